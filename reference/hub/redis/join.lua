-- Makes a connection a member. KEYS meta, stream, members, join order, members on this node.
-- ARGV[6] operation, [7] json, [8] clientId, [9] maximum members, [10] epoch and [11] seq of `since`, or ''.
-- Returns ok epoch seq memberCount members recovered missed | full | late.
local log, foreign = openLog(KEYS[1], KEYS[2])
if foreign then return foreign end
local count = redis.call('HLEN', KEYS[3])
redis.call('ZCARD', KEYS[4])
redis.call('SCARD', KEYS[5])
local changed = redis.call('HEXISTS', KEYS[3], ARGV[8]) == 0
if changed and count >= tonumber(ARGV[9]) then return { 'full' } end
local before = log.seq
if changed then
  count = count + 1
  append(log, 'j', count, ARGV[6], ARGV[7])
  redis.call('HSET', KEYS[3], ARGV[8], ARGV[7])
  redis.call('ZADD', KEYS[4], log.seq, ARGV[8])
  redis.call('SADD', KEYS[5], ARGV[8])
  if count == 1 then keepFor(nil, KEYS[1], KEYS[2]) end
end
local ids = redis.call('ZRANGE', KEYS[4], 0, 99)
local isListed = false
for _, id in ipairs(ids) do isListed = isListed or id == ARGV[8] end
if not isListed then ids[math.min(#ids + 1, 100)] = ARGV[8] end
local members = redis.call('HMGET', KEYS[3], unpack(ids))
local recovered, missed = '', {}
if ARGV[10] ~= '' then
  recovered = '0'
  local since = tonumber(ARGV[11])
  if ARGV[10] == log.epoch and since <= before and not changed then
    -- A member has received everything since its join, so nothing is replayed.
    local joinedAt = tonumber(redis.call('ZSCORE', KEYS[4], ARGV[8]) or '')
    recovered = joinedAt and since >= joinedAt and '1' or '0'
  elseif ARGV[10] == log.epoch and since <= before then
    missed = redis.call('XRANGE', KEYS[2], whole(since + 1) .. '-0', whole(before) .. '-0')
    if #missed == before - since then recovered = '1' else missed = {} end
  end
end
for index, entry in ipairs(missed) do missed[index] = entry[2][2] end
return { 'ok', log.epoch, log.seq, count, members, recovered, missed }

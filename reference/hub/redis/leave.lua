-- Ends memberships of one room. KEYS meta, stream, members, join order, members on the connection's node.
-- ARGV[6] operation, [7] kind (l or d), [8] retention in ms, [9] clientId, or '' for up to [10] members on that node.
-- Returns ok epoch seq remaining | none remaining | late; remaining: members left on that node.
local log, foreign = openLog(KEYS[1], KEYS[2])
if foreign then return foreign end
local count = redis.call('HLEN', KEYS[3])
redis.call('ZCARD', KEYS[4])
local before = log.seq
local ids = { ARGV[9] }
if ARGV[9] == '' then ids = redis.call('SRANDMEMBER', KEYS[5], ARGV[10]) else redis.call('SCARD', KEYS[5]) end
for index, id in ipairs(ids) do
  local json = redis.call('HGET', KEYS[3], id)
  if json then
    count = count - 1
    append(log, ARGV[7], count, ARGV[6] .. '.' .. index, json)
    redis.call('HDEL', KEYS[3], id)
    redis.call('ZREM', KEYS[4], id)
  end
  redis.call('SREM', KEYS[5], id)
end
if log.seq == before then return { 'none', redis.call('SCARD', KEYS[5]) } end
if count == 0 then keepFor(ARGV[8], KEYS[1], KEYS[2]) end
return { 'ok', log.epoch, log.seq, redis.call('SCARD', KEYS[5]) }

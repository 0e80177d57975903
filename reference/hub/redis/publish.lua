-- Appends a message to a log. KEYS meta, stream, members, idempotency key, [rate of the user].
-- ARGV[6] operation, [7] json, [8] clientId that must be a member or '', [9] idempotency window in ms or '0', [10] burst, [11] per second, [12] '1' for a retry,
-- [13] how long a room without members is kept in ms or '0', [14] kind, [15] room or ''.
-- Returns ok epoch seq | before epoch seq room | rate ms | not-member | late.
if ARGV[12] ~= '1' and KEYS[5] then
  local waitMs = rateRefusal(KEYS[5], tonumber(ARGV[10]), tonumber(ARGV[11]))
  if waitMs then return { 'rate', waitMs } end
end
local log, foreign = openLog(KEYS[1], KEYS[2])
if foreign then return foreign end
local count = redis.call('HLEN', KEYS[3])
if ARGV[8] ~= '' and redis.call('HEXISTS', KEYS[3], ARGV[8]) == 0 then return { 'not-member' } end
if ARGV[9] ~= '0' then
  local before = redis.call('GET', KEYS[4])
  if before then return repeated(KEYS[4], before) end
end
-- The first attempt may have taken effect although its answer was lost.
if ARGV[12] == '1' and not log.isNew then
  for _, entry in ipairs(redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', ARGV[5])) do
    local epoch, seq, op = entry[2][2]:match('^(%S+) (%d+) %d+ %d+ %a (%S+) ')
    if op == ARGV[6] and epoch == log.epoch then return { 'ok', epoch, tonumber(seq) } end
  end
end
append(log, ARGV[14], count, ARGV[6], ARGV[7])
if ARGV[9] ~= '0' then redis.call('SET', KEYS[4], table.concat({ log.epoch, whole(log.seq), ARGV[15] }, ' '), 'PX', ARGV[9]) end
if count == 0 and ARGV[13] ~= '0' then keepFor(ARGV[13], KEYS[1], KEYS[2]) end
return { 'ok', log.epoch, log.seq }

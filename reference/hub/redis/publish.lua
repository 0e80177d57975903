-- Appends messages to a log. KEYS meta, stream, members, then of each message its idempotency key and, unless ARGV[10] is '1', the rate of its user.
-- ARGV[6] burst, [7] per second, [8] '1' for a retry, [9] how long a room without members is kept in ms or '0', [10] '1' where the rates were consumed before,
-- [11] kind, [12] room or '', then of each message: operation, json, clientId that must be a member or '', idempotency window in ms or '0'.
-- Returns ok and of each message: ok epoch seq | before epoch seq room | rate ms | not-member. Or: late.
-- No two messages of a call have the same idempotency key.
local isRetry = ARGV[8] == '1'
local keysEach = ARGV[10] == '1' and 1 or 2
-- The index of a message's idempotency key. Its rate follows.
local function keyAt(at) return 4 + (at - 1) * keysEach end

local log, foreign = openLog(KEYS[1], KEYS[2])
if foreign then return foreign end
local count = redis.call('HLEN', KEYS[3])
-- The first attempt may have taken effect although its answer was lost.
local appended = {}
if isRetry and not log.isNew then
  for _, entry in ipairs(redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', ARGV[5])) do
    local epoch, seq, op = entry[2][2]:match('^(%S+) (%d+) %d+ %d+ %a (%S+) ')
    if epoch == log.epoch then appended[op] = tonumber(seq) end
  end
end

local function answerWithoutAppend(at, member, windowMs, op)
  if keysEach == 2 and not isRetry then
    local waitMs = rateRefusal(KEYS[keyAt(at) + 1], tonumber(ARGV[6]), tonumber(ARGV[7]))
    if waitMs then return { 'rate', waitMs } end
  end
  if member ~= '' and redis.call('HEXISTS', KEYS[3], member) == 0 then return { 'not-member' } end
  local before = windowMs ~= '0' and redis.call('GET', KEYS[keyAt(at)])
  if before then return repeated(KEYS[keyAt(at)], before) end
  if appended[op] then return { 'ok', log.epoch, appended[op] } end
end

local messages = {}
for at = 1, (#ARGV - 12) / 4 do
  local op, json, member, windowMs = unpack(ARGV, 9 + at * 4, 12 + at * 4)
  local answer = answerWithoutAppend(at, member, windowMs, op)
  if answer and answer.err then return answer end
  messages[at] = { op = op, json = json, windowMs = windowMs, answer = answer }
end
local answers = { 'ok' }
for at, message in ipairs(messages) do
  if not message.answer then
    add(log, ARGV[11], count, message.op, message.json)
    message.answer = { 'ok', log.epoch, log.seq }
    if message.windowMs ~= '0' then
      redis.call('SET', KEYS[keyAt(at)], table.concat({ log.epoch, whole(log.seq), ARGV[12] }, ' '), 'PX', message.windowMs)
    end
  end
  answers[at + 1] = message.answer
end
if log.added then
  commit(log)
  if count == 0 and ARGV[9] ~= '0' then keepFor(ARGV[9], KEYS[1], KEYS[2]) end
end
return answers

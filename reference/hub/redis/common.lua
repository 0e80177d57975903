-- Begins every script. ARGV[1] deadline in ms of Redis' clock, [2] run_id of this Redis, [3] '1' where a restart loses nothing, [4] name for a
-- new epoch, [5] maximum length of a log.
-- Every script reads all its keys before it writes, so that a key of the wrong type fails the call before anything has changed.
local clock = redis.call('TIME')
local nowMs = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
-- The caller has given up on this call and reported that, so it must have no effect.
if nowMs > tonumber(ARGV[1]) then return { 'late' } end

local function whole(number) return string.format('%.0f', number) end

-- Whether the latest entry of a stream is one that `append` has written.
local function isOwnStream(stream)
  local latest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  return latest and latest[2][1] == 'e' and latest[2][2]:match('^%S+ %d+ %d+ %d+ %a %S+ {') ~= nil
end

-- The log under `meta`. Its epoch ends when its data has vanished, or when Redis was restarted and may have lost the latest entries.
local function openLog(meta, stream)
  local found = redis.call('HMGET', meta, 'epoch', 'seq', 'run')
  local entries = redis.call('XLEN', stream)
  local log = { meta = meta, stream = stream, epoch = found[1], seq = tonumber(found[2] or ''), run = found[3] }
  if not log.epoch then
    if redis.call('EXISTS', meta) == 1 or (entries > 0 and not isOwnStream(stream)) then
      return log, redis.error_reply('FOREIGN data under ' .. meta)
    end
    -- Entries without a position: somebody removed `meta`, so the log starts over.
    log.epoch, log.seq, log.isNew, log.restarted = ARGV[4], 0, true, entries > 0
  elseif not log.seq then
    return log, redis.error_reply('FOREIGN data under ' .. meta)
  elseif log.run ~= ARGV[2] and ARGV[3] ~= '1' then
    log.epoch, log.seq, log.isNew, log.restarted = ARGV[4], 0, true, true
  end
  return log
end

-- Adds an entry of kind m (message), j (joined), l (left), d (disconnected) or i (direct message in an inbox). The text holds everything that
-- a node needs to encode the event. `commit` must follow.
local function add(log, kind, count, op, json)
  if log.restarted then
    redis.call('DEL', log.stream)
    log.restarted = nil
  end
  log.seq = log.seq + 1
  local seq = whole(log.seq)
  local entry = table.concat({ log.epoch, seq, whole(nowMs), count, kind, op, json }, ' ')
  -- The first write, because only this one can still fail: when the stream holds a greater id.
  redis.call('XADD', log.stream, 'MAXLEN', ARGV[5], seq .. '-0', 'e', entry)
  log.added = log.added or {}
  table.insert(log.added, entry)
end

-- Publishes what was added in one text, an entry a line: JSON holds no line break.
local function commit(log)
  redis.call('HSET', log.meta, 'epoch', log.epoch, 'seq', whole(log.seq), 'run', ARGV[2])
  redis.call('SPUBLISH', log.stream, table.concat(log.added, '\n'))
  log.added = nil
end

local function append(...)
  add(...)
  commit(...)
end

local function keepFor(ms, ...)
  for _, key in ipairs({ ... }) do
    if ms then redis.call('PEXPIRE', key, ms) else redis.call('PERSIST', key) end
  end
end

-- GCRA. Returns nil when it passes, else the wait in ms.
local function rateRefusal(key, burst, perSecond)
  local now = tonumber(clock[1]) * 1000 + tonumber(clock[2]) / 1000
  local interval = 1000 / perSecond
  local due = math.max(tonumber(redis.call('GET', key) or '') or now, now)
  local waitMs = due + interval - now - burst * interval
  -- Less than a microsecond is a rounding error.
  if waitMs > 0.001 then return math.ceil(waitMs) end
  redis.call('SET', key, string.format('%.3f', due + interval), 'PX', math.max(1, math.ceil(due + interval - now)))
end

-- The reply of the first message with the idempotency key.
local function repeated(key, value)
  local epoch, seq, room = value:match('^(%S+) (%d+) (%S*)$')
  if not epoch then return redis.error_reply('FOREIGN data under ' .. key) end
  return { 'before', epoch, tonumber(seq), room }
end

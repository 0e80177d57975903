-- Reads the entries of a log after a position. KEYS meta, stream. ARGV[6] epoch, or '' for the current position only, [7] seq, [8] maximum count.
-- Returns ok epoch seq entries | gone (another epoch, or entries that are no longer kept) | late.
local log, foreign = openLog(KEYS[1], KEYS[2])
if foreign then return foreign end
if ARGV[6] == '' then
  if log.isNew then
    if log.restarted then redis.call('DEL', KEYS[2]) end
    redis.call('HSET', KEYS[1], 'epoch', log.epoch, 'seq', '0', 'run', ARGV[2])
  end
  return { 'ok', log.epoch, log.seq, {} }
end
local seq = tonumber(ARGV[7])
if log.epoch ~= ARGV[6] or log.seq < seq then return { 'gone' } end
local found = redis.call('XRANGE', KEYS[2], whole(seq + 1) .. '-0', '+', 'COUNT', ARGV[8])
if log.seq > seq and (not found[1] or found[1][1] ~= whole(seq + 1) .. '-0') then return { 'gone' } end
for index, entry in ipairs(found) do found[index] = entry[2][2] end
return { 'ok', log.epoch, log.seq, found }

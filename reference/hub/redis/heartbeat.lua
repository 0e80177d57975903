-- Renews the lease of a node, and tells which others are alive. KEYS live nodes, dead nodes. ARGV[6] node, [7] '1' to register a new one.
-- Returns ok ms (flat list of node and counter) (list of dead nodes) | gone (the others expired it, or the data is lost) | late.
redis.call('SCARD', KEYS[2])
if ARGV[7] ~= '1' and redis.call('HEXISTS', KEYS[1], ARGV[6]) == 0 then return { 'gone' } end
redis.call('HINCRBY', KEYS[1], ARGV[6], 1)
return { 'ok', whole(nowMs), redis.call('HGETALL', KEYS[1]), redis.call('SMEMBERS', KEYS[2]) }

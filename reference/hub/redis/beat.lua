-- A node says that it lives, and learns who else does. KEYS live nodes, dead nodes. ARGV[6] node, [7] '1' where it is new.
-- Returns ok ms (flat list of node and count) (list of dead nodes) | gone (others took it for dead, or the data is lost) | late.
redis.call('SCARD', KEYS[2])
if ARGV[7] ~= '1' and redis.call('HEXISTS', KEYS[1], ARGV[6]) == 0 then return { 'gone' } end
redis.call('HINCRBY', KEYS[1], ARGV[6], 1)
return { 'ok', whole(nowMs), redis.call('HGETALL', KEYS[1]), redis.call('SMEMBERS', KEYS[2]) }

-- Moves a node whose heartbeat stopped to the dead nodes. KEYS live nodes, dead nodes. ARGV[6] node, [7] its last observed counter.
-- Returns ok | alive (it has sent a heartbeat since) | late.
if redis.call('HGET', KEYS[1], ARGV[6]) ~= ARGV[7] then return { 'alive' } end
redis.call('SADD', KEYS[2], ARGV[6])
redis.call('HDEL', KEYS[1], ARGV[6])
return { 'ok' }

-- Takes a node that did not beat for dead. KEYS live nodes, dead nodes. ARGV[6] node, [7] the count that was seen last.
if redis.call('HGET', KEYS[1], ARGV[6]) ~= ARGV[7] then return { 'alive' } end
redis.call('SADD', KEYS[2], ARGV[6])
redis.call('HDEL', KEYS[1], ARGV[6])
return { 'ok' }

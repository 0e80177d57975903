-- Counts a connection for its user. KEYS connections of the user. ARGV[6] clientId, [7] node, [8] maximum connections per user.
-- Returns ok | too-many | late.
if redis.call('HEXISTS', KEYS[1], ARGV[6]) == 0 and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[8]) then return { 'too-many' } end
redis.call('HSET', KEYS[1], ARGV[6], ARGV[7])
return { 'ok' }

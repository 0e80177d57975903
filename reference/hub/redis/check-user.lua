-- Consumes the rate of a user and looks up an idempotency key, where these are in another slot than the log. KEYS rate, [idempotency key]. ARGV[6] burst, [7] per second.
-- Returns ok | before epoch seq room | rate ms | late.
local waitMs = rateRefusal(KEYS[1], tonumber(ARGV[6]), tonumber(ARGV[7]))
if waitMs then return { 'rate', waitMs } end
local before = KEYS[2] and redis.call('GET', KEYS[2])
if before then return repeated(KEYS[2], before) end
return { 'ok' }

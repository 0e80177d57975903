-- The rate of a user alone, where it lives in another slot than the log. KEYS rate. ARGV[6] burst, [7] per second.
-- Returns ok | rate ms | late.
local waitMs = rateRefusal(KEYS[1], tonumber(ARGV[6]), tonumber(ARGV[7]))
if waitMs then return { 'rate', waitMs } end
return { 'ok' }

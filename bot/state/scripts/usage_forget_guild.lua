-- Removes all that was noted of a server. O(days)
-- ARGV: server, days that records are kept, days that counters are kept.
local guild = ARGV[1]
local today = math.floor(now_ms() / DAY_MS)
for day = today - tonumber(ARGV[2]), today do
  redis.call('UNLINK', ASKED .. guild .. ':' .. day, ENDED .. guild .. ':' .. day)
end
for day = today - tonumber(ARGV[3]), today do
  redis.call('UNLINK', DAY .. guild .. ':' .. day)
end
return {1}

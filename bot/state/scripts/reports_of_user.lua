-- The reports that a user filed, and those of their texts, the oldest first. O(reports of theirs)
-- ARGV: the user.
local REPORT, ALL, GUILD, USER = unpack(KEYS)
local found = {}
for _, id in ipairs(redis.call('ZRANGE', USER .. ARGV[1], 0, -1)) do
  local record = redis.call('GET', REPORT .. id)
  if record then
    found[#found + 1] = record
  end
end
return found

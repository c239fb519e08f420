-- Removes reports; returns {how many}. O(reports)
-- ARGV: 'id', 'user' or 'guild', then which.
local REPORT, ALL, GUILD, USER, FILED = unpack(KEYS)
local kind, which = ARGV[1], ARGV[2]
local ids, count = {which}, 0
if kind ~= 'id' then
  local key = (kind == 'user' and USER or GUILD) .. which
  ids = redis.call('ZRANGE', key, 0, -1)
  redis.call('UNLINK', key)
end
if kind == 'user' then
  redis.call('UNLINK', FILED .. which)
end
for _, id in ipairs(ids) do
  count = count + redis.call('UNLINK', REPORT .. id)
  redis.call('ZREM', ALL, id)
end
return {count}

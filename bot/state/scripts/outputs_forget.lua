-- Removes some texts of an owner. ARGV: owner, at most how many. Returns how many were removed, and
-- how many are left. O(n log texts)
local owner = ARGV[1]
local count = 0
for _, code in ipairs(redis.call('ZRANGE', OF .. owner, 0, tonumber(ARGV[2]) - 1)) do
  count = count + remove(code)
  redis.call('ZREM', OF .. owner, code)
end
local left = redis.call('ZCARD', OF .. owner)
if left == 0 then
  redis.call('ZREM', OWNERS, owner)
end
return {count, left}

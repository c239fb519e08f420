-- Ids of the stories that a user plays in, has written in or owns. ARGV: user. O(stories)
local now = now_ms()
clean(AUTHOR .. ARGV[1], now)
local result = {}
for _, id in ipairs(redis.call('ZRANGE', AUTHOR .. ARGV[1], 0, -1)) do
  if redis.call('EXISTS', STORY .. id) == 1 then
    result[#result + 1] = id
  end
end
return result

-- Summaries of an owner's stories. ARGV: owner, at most how many. The last changed first, since
-- what was changed last is kept longest. O(n log stories)
local now = now_ms()
clean(OF .. ARGV[1], now)
local result = {}
local ids = redis.call('ZREVRANGEBYSCORE', OF .. ARGV[1], '+inf', '(' .. whole(now), 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  local summary = redis.call('HGET', STORY .. id, 'summary')
  if summary then
    result[#result + 1] = summary
  end
end
return result

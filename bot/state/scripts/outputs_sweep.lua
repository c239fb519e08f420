-- Takes texts that are gone out of the indexes. ARGV: at most so many owners, and so many entries
-- of each. Returns how many entries went. An owner that is not done stays due. O(owners x entries)
local now = now_ms()
local count = 0
for _, owner in ipairs(redis.call('ZRANGEBYSCORE', OWNERS, '-inf', now, 'LIMIT', 0, ARGV[1])) do
  local cleaned = clean(owner, now, tonumber(ARGV[2]))
  local first = redis.call('ZRANGE', OF .. owner, 0, 0, 'WITHSCORES')
  if first[2] then
    redis.call('ZADD', OWNERS, first[2], owner)
  else
    redis.call('ZREM', OWNERS, owner)
  end
  count = count + math.max(1, cleaned)  -- an index that expired as a whole was work too
end
return {count}

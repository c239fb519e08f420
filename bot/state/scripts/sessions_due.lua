-- Games where something is due. ARGV: at most how many, lease_ms. O(n log games)
local now = now_ms()
local result = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, ARGV[1])) do
  if redis.call('EXISTS', GAME .. id) == 1 then
    redis.call('ZADD', DUE, whole(now + tonumber(ARGV[2])), id)
    result[#result + 1] = id
  else
    redis.call('ZREM', DUE, id)
  end
end
return result

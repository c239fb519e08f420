-- Removes some X-rays of a user or server: {how many, how many ids are left to look at}. O(n log m)
-- ARGV: 'user' or 'guild', whose, how many at most.
local XRAY, USER, GUILD = unpack(KEYS)
local own = (ARGV[1] == 'user' and USER or GUILD) .. ARGV[2]
local removed = 0
for _, id in ipairs(redis.call('ZRANGE', own, 0, tonumber(ARGV[3]) - 1)) do
  local known = redis.call('HMGET', XRAY .. id, 'user', 'guild')
  if known[1] then
    redis.call('ZREM', USER .. known[1], id)
    redis.call('ZREM', GUILD .. known[2], id)
  end
  redis.call('ZREM', own, id)
  removed = removed + redis.call('UNLINK', XRAY .. id)
end
return {removed, redis.call('ZCARD', own)}

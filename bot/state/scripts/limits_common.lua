-- Put before every script of limits, behind common.lua.

-- Sets when a bucket will be whole. Those of one user alone are found by the user again, however
-- long it takes; bot/core/limits.py (`user_of`) knows their names too.
local function set_bucket(key, tat, now)
  local left_ms = math.max(1, math.ceil(tonumber(tat) - now))
  redis.call('SET', KEYS[1] .. key, tat, 'PX', left_ms)
  local user = string.match(key, '^g%d+:m(%d+):') or string.match(key, '^host:u(%d+):')
  if user then
    local index = KEYS[6] .. user
    redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
    redis.call('ZADD', index, tat, key)
    if redis.call('PTTL', index) < left_ms then
      redis.call('PEXPIRE', index, left_ms)
    end
  end
end

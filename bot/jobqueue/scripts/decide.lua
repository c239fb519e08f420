-- Changes one field of CONTROLS; returns them all.
-- ARGV: field, 1 = set or 0 = removed, value.
local field, is_set, value = unpack(ARGV)
redis.call('HDEL', CONTROLS, field)
if is_set == '1' then
  redis.call('HSET', CONTROLS, field, value)
end
-- Above every earlier one, also where Redis came back without the last ones.
local before = tonumber(redis.call('HGET', CONTROLS, 'rev') or 0)
redis.call('HSET', CONTROLS, 'rev', string.format('%d', math.max(before + 1, now_ms())))
return redis.call('HGETALL', CONTROLS)

-- Does what the host decided for all queues, unless it is older than what was done last.
-- ARGV: caps, revision, 1 = paused or 0, message, then tenant and weight for each that is not 1.
local revision, pauses, message = unpack(ARGV, 3, 5)
if tonumber(revision) <= tonumber(redis.call('HGET', META, 'decided') or 0) then
  return {}
end
local was_paused = redis.call('HDEL', META, 'paused') == 1
redis.call('DEL', WEIGHTS)
redis.call('HSET', META, 'decided', revision)
for i = 6, #ARGV, 2 do
  redis.call('HSET', WEIGHTS, ARGV[i], ARGV[i + 1])
end
if pauses == '1' then
  redis.call('HSET', META, 'paused', message)
elseif was_paused and redis.call('EXISTS', FRONT, ELIGIBLE) > 0 then
  for _ = 1, MAX_WAKE_TOKENS do
    redis.call('LPUSH', WAKE, 1)
  end
  redis.call('LTRIM', WAKE, 0, MAX_WAKE_TOKENS - 1)
end
return {}

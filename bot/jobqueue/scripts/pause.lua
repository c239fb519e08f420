-- Pauses the pool, or resumes it and wakes its workers. ARGV: caps, 1 or 0, message.
redis.call('HDEL', META, 'paused')
if ARGV[3] == '1' then
  redis.call('HSET', META, 'paused', ARGV[4])
elseif redis.call('EXISTS', FRONT, ELIGIBLE) > 0 then
  for _ = 1, MAX_WAKE_TOKENS do
    redis.call('LPUSH', WAKE, 1)
  end
  redis.call('LTRIM', WAKE, 0, MAX_WAKE_TOKENS - 1)
end
return {}

-- Announces an edit of a waiting job's reply; the worker that takes the job meanwhile waits for it.
-- ARGV: caps, id, hold_ms. Returns as `status`. O(log n)
local id, hold_ms = unpack(ARGV, 3)
local now = now_ms()
local waits = waiting_by_id(id, now)
if tonumber(waits[1]) > 0 then
  redis.call('HDEL', JOB .. id, 'notice')
  redis.call('HSET', JOB .. id, 'notice', now + tonumber(hold_ms))
end
return waits

-- Stops a job. ARGV: caps, id, call (which names this call, so that trying it again changes
-- nothing), keep_ms. Returns the state the job was in, or '' when it is unknown. O(log n)
local id, call, keep_ms = unpack(ARGV, 3)
local record = redis.call('HMGET', JOB .. id, 'st', 'cancel_call')
local state = record[1]
if not state then
  return { '' }
end
if state == 'running' then
  redis.call('HDEL', JOB .. id, 'cancel')
  redis.call('HSET', JOB .. id, 'cancel', 1)
  redis.call('PUBLISH', CANCEL, id)
  return { state }
end
if state ~= 'queued' then
  return { record[2] == call and 'queued' or state }
end
stop_waiting(find_job(id), keep_ms)
redis.call('HSET', JOB .. id, 'cancel_call', call)
return { state }

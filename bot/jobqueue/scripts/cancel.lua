-- Stops a job. ARGV: id, call (which names this call, so that trying it again changes nothing),
-- keep_ms. Returns the state the job was in, or '' when it is unknown.
-- O(m log n), m = jobs of this tenant that wait behind it
local id, call, keep_ms = unpack(ARGV)
local job = redis.call('HMGET', JOB .. id,
  'st', 'tenant', 'cost', 'seq', 'runs', 'farewells', 'cancel_call')
local state, tenant, cost, seq = job[1], job[2], tonumber(job[3] or 0), job[4]
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
  return { job[7] == call and 'queued' or state }
end
out_of_line(member_of(seq, id), tenant)
end_job(id, 'stopped', keep_ms)
redis.call('HSET', JOB .. id, 'cancel_call', call)
if tonumber(job[5]) + tonumber(job[6]) > 0 then
  return { state }
end
refund(tenant, seq, cost)  -- it was never served
return { state }

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
-- It was never served: what it would have cost goes back, and the tenant's later jobs move up.
charge(tenant, -cost)
local now = virtual_time()
for _, member in ipairs(redis.call('ZRANGEBYSCORE', TENANT .. tenant, '(' .. seq, '+inf')) do
  local tag = tonumber(redis.call('ZSCORE', READY, member) or now)
  local earlier = math.max(now, tag - cost)
  if earlier < tag then
    redis.call('ZADD', READY, earlier, member)
  end
end
return { state }

-- Puts a dead letter's job again, as if it had never been tried; parts that were posted stay
-- known. ARGV: caps, entry, id, class, tenant, user, cost, deadline_ms, payload.
-- Returns 1 if the job waits now (also when the same call comes twice), else 0. O(log n)
local entry, id, class, tenant, user, cost, deadline, payload = unpack(ARGV, 3)
local record = redis.call('HMGET', JOB .. id, 'st', 'sent')
if record[1] and record[1] ~= 'dead' then
  return { record[1] == 'queued' and 1 or 0 }
end
if tonumber(deadline) <= now_ms() or redis.call('XDEL', DEAD, entry) == 0 then
  return { 0 }
end
redis.call('DEL', JOB .. id)
local job = job_of(member_of(next_number(), class, tenant, user, cost, id))
redis.call('HSET', JOB .. id, 'st', 'queued', 'member', job.member, 'deadline', deadline,
  'payload', payload, 'runs', 0, 'farewells', 0)
if record[2] then
  redis.call('HSET', JOB .. id, 'sent', record[2])
end
into_line(job, deadline)
return { 1 }

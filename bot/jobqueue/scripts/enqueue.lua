-- Stores a job once. ARGV: caps, id, class, tenant, user, cost, deadline_ms, payload, max_queued,
-- max_queued_per_server, max_queued_per_user. Returns status, place, eta, own. O(log n)
local id, class, tenant, user, cost, deadline, payload, max_all, max_server, max_user =
  unpack(ARGV, 3)
local now = now_ms()
if redis.call('EXISTS', JOB .. id) == 1 then
  return { 'duplicate', unpack(waiting_by_id(id, now)) }
end
if is_paused() then
  return { 'paused', 0, '', 0 }
end
if in_line() + redis.call('ZCARD', FRONT) >= tonumber(max_all) then
  return { 'full', 0, '', 0 }
end
local way = levels(class, tenant, user)
if in_both(way, 2) >= tonumber(max_server) then
  return { 'full_server', 0, '', 0 }
end
if in_both(way, 1) >= tonumber(max_user) then
  return { 'full_user', 0, '', 0 }
end
local job = job_of(member_of(next_number(), class, tenant, user, cost, id))
job.levels = way
into_line(job, deadline)
local waits, eta = waiting(job, now)
if eta and now + eta * 1000 > tonumber(deadline) then
  out_of_line(job, 0)
  return { 'too_late', 0, waits[2], waits[3] }
end
redis.call('HSET', JOB .. id, 'st', 'queued', 'member', job.member, 'deadline', deadline,
  'payload', payload, 'runs', 0, 'farewells', 0)
return { 'accepted', unpack(waits) }

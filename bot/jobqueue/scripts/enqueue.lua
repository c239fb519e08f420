-- Stores a job once. ARGV: id, tenant, user, cost, deadline_ms, payload, max_queued.
-- Returns status, place. O(log n)
local id, tenant, user, cost, deadline, payload, max_queued = unpack(ARGV)
if redis.call('EXISTS', JOB .. id) == 1 then
  return { 'duplicate', place_of(id) }
end
if redis.call('ZCARD', READY) >= tonumber(max_queued) then
  return { 'full', 0 }
end
-- Start-time fair queueing: a tenant's jobs start one after the other in virtual time, each as
-- much later as the one before costs; a tenant that had nothing waiting starts now.
local seq = redis.call('HINCRBY', META, 'seq', 1)
local start = math.max(virtual_time(), tonumber(redis.call('ZSCORE', FINISH_TAGS, tenant) or 0))
redis.call('ZADD', FINISH_TAGS, start + tonumber(cost), tenant)
redis.call('HSET', JOB .. id, 'st', 'queued', 'tenant', tenant, 'user', user, 'cost', cost,
  'deadline', deadline, 'payload', payload, 'seq', seq, 'runs', 0, 'farewells', 0)
into_line(id, tenant, seq, deadline, start)
return { 'accepted', place_of(id) }

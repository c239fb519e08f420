-- Ends a job. ARGV: worker, id, attempt, state, tokens, reason, keep_ms, max_letters.
-- Returns 1, or 0 when the job is not this worker's; the same call twice gives the same answer.
-- O(m log n), m = jobs of this tenant that wait behind it
local worker, id, attempt, state, tokens, reason, keep_ms, max_letters = unpack(ARGV)
if redis.call('HGET', JOB .. id, 'st') == state and newest_holder(id, worker, attempt) then
  return { 1 }
end
if not holds(id, worker, attempt) then
  return { 0 }
end
redis.call('ZREM', LEASES, id)
local job = redis.call('HMGET', JOB .. id, 'tenant', 'cost', 'seq')
local unused = tonumber(job[2]) - tonumber(tokens)
if unused > 0 then
  refund(job[1], job[3], unused)
else
  charge(job[1], -unused)
end
if state == 'dead' then
  dead_letter(id, attempt_of(id), reason, max_letters)
end
end_job(id, state, keep_ms)
return { 1 }

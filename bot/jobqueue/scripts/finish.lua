-- Ends a job. ARGV: caps, worker, id, attempt, state, tokens, reason, keep_ms, max_letters.
-- Returns 1, or 0 when the job is not this worker's; the same call twice gives the same answer.
-- O(log n)
local worker, id, attempt, state, tokens, reason, keep_ms, max_letters = unpack(ARGV, 3)
local SMOOTHING = 0.1  -- of the pace: how much the newest job counts
if redis.call('HGET', JOB .. id, 'st') == state and newest_holder(id, worker, attempt) then
  return { 1 }
end
if not holds(id, worker, attempt) then
  return { 0 }
end
local job = find_job(id)
leave_lease(job)
local record = redis.call('HMGET', JOB .. id, 'charged', 'at')
tokens = tonumber(tokens)
if tokens > 0 and (state == 'done' or state == 'stopped') then
  local pace = (now_ms() - tonumber(record[2])) / 1000 / tokens
  local rate = tonumber(redis.call('HGET', META, 'rate') or pace)
  redis.call('HSET', META, 'rate', rate + SMOOTHING * (pace - rate))
end
if state == 'dead' then
  dead_letter(id, reason, max_letters)
end
redis.call('HSET', JOB .. id, 'used', tokens)
end_job(id, state, keep_ms)
end_service(job, tonumber(record[1] or 0) - tokens)
return { 1 }

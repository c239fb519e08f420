-- Ends a job. ARGV: caps, worker, id, attempt, state, tokens, reason, keep_ms, max_letters.
-- Returns 1, or 0 when the job is not this worker's; the same call twice gives the same answer.
-- O(log n)
local worker, id, attempt, state, tokens, reason, keep_ms, max_letters = unpack(ARGV, 3)
local SMOOTHING = 0.1  -- of the pace: how much the newest job counts
local is_newest, st = newest_holder(id, worker, attempt)
if not is_newest or st ~= 'running' then
  return { (is_newest and st == state) and 1 or 0 }
end
local record = redis.call('HMGET', JOB .. id, 'member', 'charged', 'at')
local job = job_of(record[1])
leave_lease(job)
tokens = tonumber(tokens)
if tokens > 0 and (state == 'done' or state == 'stopped') then
  local pace = (now_ms() - tonumber(record[3])) / 1000 / tokens
  local rate = tonumber(redis.call('HGET', META, 'rate') or pace)
  redis.call('HSET', META, 'rate', rate + SMOOTHING * (pace - rate))
end
if state == 'dead' then
  dead_letter(id, reason, max_letters)
end
redis.call('HSET', JOB .. id, 'used', tokens)
end_job(id, state, keep_ms)
end_service(job, tonumber(record[2] or 0) - tokens)
return { 1 }

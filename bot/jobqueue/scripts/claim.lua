-- Leases up to n jobs. ARGV: caps, worker, n, lease_ms, max_attempts, farewell_ms, max_letters.
-- Returns 1 if the worker is to leave, else 0; then id, attempt, verdict, payload, sent, sending,
-- notice (ms that an edit by somebody else may still take) for each job, flat. O(n log n)
local worker, n, lease_ms, max_attempts, farewell_ms, max_letters = unpack(ARGV, 3)
n = tonumber(n)
local now = now_ms()
local is_drained = redis.call('SISMEMBER', DRAINS, worker)
local reply, claimed = { is_drained }, 0

-- `charged` is nil where the job was charged when it was served before.
local function take(job, charged)
  local id, key = job.id, JOB .. job.id
  local record = redis.call('HMGET', key, 'payload', 'runs', 'deadline', 'sent', 'sending',
    'notice', 'farewells')
  if not record[1] then
    dead_letter(id, 'its record was lost', max_letters)
    end_service(job, charged or 0)
    return
  end
  local verdict, counter = 'run', 'runs'
  if tonumber(record[2]) >= tonumber(max_attempts) then
    verdict, counter = 'exhausted', 'farewells'
  elseif tonumber(record[3]) <= now then
    verdict, counter = 'expired', 'farewells'
  end
  local attempt = tonumber(record[2]) + tonumber(record[7]) + 1
  redis.call('HINCRBY', key, counter, 1)
  redis.call('HSET', key, 'st', 'running', 'by', worker, 'verdict', verdict, 'at', now,
    unpack(charged and { 'charged', charged } or {}))
  redis.call('ZADD', LEASES, now + tonumber(lease_ms), job.member)
  redis.call('HINCRBY', META, 'running', job.cost)
  claimed = claimed + 1
  for _, value in ipairs({ id, attempt, verdict, record[1], record[4] or '',
    record[5] or '', math.max(0, tonumber(record[6] or 0) - now) }) do
    reply[#reply + 1] = value
  end
end

local function take_late(job)
  if leave_front(job) then
    take(job, nil)
  else
    out_of_line(job, 1)
    take(job, 0)
  end
end

local function take_next()
  local put_back_job = redis.call('ZRANGE', FRONT, 0, 0)[1]
  if put_back_job then
    local job = job_of(put_back_job)
    leave_front(job)
    take(job, nil)
    return true
  end
  local job = serve_next()
  if job then
    take(job, job.cost)
  end
  return job
end

local may_serve = not is_paused()
if is_drained == 0 then
  -- Those who can only just be told go first; later than that, a job waits its turn.
  local late = redis.call('ZRANGEBYSCORE', DEADLINES, now - tonumber(farewell_ms), now,
    'LIMIT', 0, n)
  for _, member in ipairs(late) do
    take_late(job_of(member))
  end
  while may_serve and claimed < n and take_next() do
  end
end

-- Tokens are there exactly while jobs may be served: a worker that leaves jobs behind wakes the
-- next one, and one that finds none does not leave tokens for others to run after.
local n_ready = may_serve and redis.call('EXISTS', FRONT, ELIGIBLE) or 0
if n_ready == 0 then
  redis.call('DEL', WAKE)
elseif redis.call('LLEN', WAKE) == 0 then
  redis.call('DEL', WAKE)
  wake_one()
end
return reply

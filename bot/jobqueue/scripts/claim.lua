-- Leases up to n jobs. ARGV: worker, n, lease_ms, max_attempts, farewell_ms, max_letters.
-- Returns id, attempt, verdict, payload, sent, sending for each, flat. O(n log n)
local worker, n, lease_ms, max_attempts, farewell_ms, max_letters = unpack(ARGV)
n = tonumber(n)
local now = now_ms()
local claims, claimed = {}, 0

local function take(member)
  local id = id_of(member)
  local key = JOB .. id
  local job = redis.call('HMGET', key,
    'tenant', 'payload', 'runs', 'deadline', 'sent', 'sending')
  out_of_line(member, job[1])
  if not job[2] then
    dead_letter(id, 0, 'its record was lost', max_letters)
    return
  end
  local verdict, counter = 'run', 'runs'
  if tonumber(job[3]) >= tonumber(max_attempts) then
    verdict, counter = 'exhausted', 'farewells'
  elseif tonumber(job[4]) <= now then
    verdict, counter = 'expired', 'farewells'
  end
  redis.call('HINCRBY', key, counter, 1)
  redis.call('HSET', key, 'st', 'running', 'by', worker, 'verdict', verdict)
  redis.call('ZADD', LEASES, now + tonumber(lease_ms), id)
  claimed = claimed + 1
  for _, value in ipairs({ id, attempt_of(id), verdict, job[2], job[5] or '', job[6] or '' }) do
    claims[#claims + 1] = value
  end
end

-- Those who can only just be told go first; later than that, a job waits its turn.
local late = redis.call('ZRANGEBYSCORE', DEADLINES, now - tonumber(farewell_ms), now,
  'LIMIT', 0, n)
for _, member in ipairs(late) do
  take(member)
end
while claimed < n do
  local next_up = redis.call('ZPOPMIN', READY)
  if #next_up == 0 then
    break
  end
  take(next_up[1])
  redis.call('HSET', META, 'v', math.max(virtual_time(), tonumber(next_up[2])))
end

-- Tokens are there exactly while jobs wait: a worker that leaves jobs behind wakes the next one,
-- and one that finds none does not leave tokens for others to run after.
if redis.call('ZCARD', READY) == 0 then
  redis.call('DEL', WAKE)
elseif redis.call('LLEN', WAKE) == 0 then
  wake_one()
end
return claims

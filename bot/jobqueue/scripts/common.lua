-- Put before every script: the keys (bot/jobqueue/keys.py) and what several scripts do.
-- Commands of Redis 6.2 only. Times are the server's, in ms. Numbers go to redis.call as numbers:
-- Redis writes them exactly, where Lua's tostring keeps 14 digits only.
-- Where memory is full, Redis refuses a script's first write unless that write removes something;
-- so every script but `enqueue` starts with a removal, and jobs that were taken can still end.
local READY, FINISH_TAGS, META, LEASES, DEADLINES, WAKE, DEAD, WORKERS, SLOTS, CANCEL, JOB, TENANT =
  unpack(KEYS)
local MAX_WAKE_TOKENS = 64

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- The start tag of the job served last. No waiting job but one put back has a lower tag.
local function virtual_time()
  return tonumber(redis.call('HGET', META, 'v') or 0)
end

local function member_of(seq, id)
  return string.format('%016d:%s', tonumber(seq), id)
end

local function id_of(member)
  return string.sub(member, 18)
end

-- Place in line from 1, or 0 when the job does not wait.
local function place_of(id)
  local seq = redis.call('HGET', JOB .. id, 'seq')
  if not seq then
    return 0
  end
  local rank = redis.call('ZRANK', READY, member_of(seq, id))
  return rank and rank + 1 or 0
end

local function wake_one()
  redis.call('LPUSH', WAKE, 1)
  redis.call('LTRIM', WAKE, 0, MAX_WAKE_TOKENS - 1)
end

local function into_line(id, tenant, seq, deadline, tag)
  local member = member_of(seq, id)
  redis.call('ZADD', READY, tag, member)
  redis.call('ZADD', TENANT .. tenant, tonumber(seq), member)
  redis.call('ZADD', DEADLINES, tonumber(deadline), member)
  wake_one()
end

local function out_of_line(member, tenant)
  redis.call('ZREM', READY, member)
  redis.call('ZREM', DEADLINES, member)
  if tenant then
    redis.call('ZREM', TENANT .. tenant, member)
  end
end

-- Back to the front: below virtual time, where no job that was only put can stand.
local function put_back(id)
  local job = redis.call('HMGET', JOB .. id, 'tenant', 'seq', 'deadline')
  redis.call('HDEL', JOB .. id, 'by')
  redis.call('HSET', JOB .. id, 'st', 'queued')
  into_line(id, job[1], job[2], job[3], virtual_time() - 1)
end

local function attempt_of(id)
  local counts = redis.call('HMGET', JOB .. id, 'runs', 'farewells')
  return tonumber(counts[1] or 0) + tonumber(counts[2] or 0)
end

-- The fence: whether this worker's hold is the newest one of the job.
local function newest_holder(id, worker, attempt)
  return redis.call('HGET', JOB .. id, 'by') == worker and attempt_of(id) == tonumber(attempt)
end

local function holds(id, worker, attempt)
  return redis.call('HGET', JOB .. id, 'st') == 'running' and newest_holder(id, worker, attempt)
end

-- Corrects where the tenant's next job starts; a tag that was swept is at virtual time or below.
local function charge(tenant, tokens)
  local tag = tonumber(redis.call('ZSCORE', FINISH_TAGS, tenant) or virtual_time())
  redis.call('ZADD', FINISH_TAGS, tag + tokens, tenant)
end

-- Gives back what a job did not cost. The tenant's later jobs move up: left where they are, the
-- jobs that are put from now on would overtake them. O(m log n), m = those later jobs
local function refund(tenant, seq, tokens)
  charge(tenant, -tokens)
  local now = virtual_time()
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', TENANT .. tenant, '(' .. seq, '+inf')) do
    local tag = tonumber(redis.call('ZSCORE', READY, member) or now)
    local earlier = math.max(now, tag - tokens)
    if earlier < tag then
      redis.call('ZADD', READY, earlier, member)
    end
  end
end

local function dead_letter(id, attempts, reason, max_letters)
  redis.call('XADD', DEAD, 'MAXLEN', '~', max_letters, '*',
    'id', id, 'attempts', attempts, 'reason', reason)
end

-- The record stays for a while, without the prompt, so that its state can be asked for.
local function end_job(id, state, keep_ms)
  redis.call('HDEL', JOB .. id, 'payload', 'sending')
  redis.call('HSET', JOB .. id, 'st', state)
  redis.call('PEXPIRE', JOB .. id, keep_ms)
end

-- What becomes of a job whose holder failed: back to the front, or, where nobody can be told any
-- more, a dead letter. Returns 1 if it was put back.
local function after_failure(id, max_farewells, keep_ms, max_letters)
  local farewells = redis.call('HGET', JOB .. id, 'farewells')
  if not farewells then
    dead_letter(id, 0, 'its record was lost', max_letters)
    return 0
  end
  if tonumber(farewells) >= tonumber(max_farewells) then
    dead_letter(id, attempt_of(id), 'its asker could not be told that it failed', max_letters)
    end_job(id, 'dead', keep_ms)
    return 0
  end
  put_back(id)
  return 1
end

-- Put before every script: the keys (bot/jobqueue/keys.py) and what several scripts do.
-- Commands of Redis 6.2 only. Times are the server's, in ms. Numbers go to redis.call as numbers:
-- Redis writes them exactly, where Lua's tostring keeps 14 digits only.
-- Where memory is full, Redis refuses a script's first write unless that write removes something;
-- so every script but `enqueue` starts with a removal, and jobs that were taken can still end.
local POOL = KEYS[1]
local FRONT, META, LEASES = POOL .. 'front', POOL .. 'meta', POOL .. 'lease'
local DEADLINES, WAKE, DEAD = POOL .. 'dl', POOL .. 'wake', POOL .. 'dead'
local CANCEL, WEIGHTS = POOL .. 'cancel', POOL .. 'weights'
local WORKERS, SLOTS = POOL .. 'workers', POOL .. 'slots'
local CARDS, DRAINS = POOL .. 'cards', POOL .. 'drains'
-- These go on with a job's id, a node, or a user.
local JOB, NODE, LINE = POOL .. 'job:', POOL .. 'node:', POOL .. 'line:'
local ELIGIBLE, FINISH, FIFO = POOL .. 'eligible:', POOL .. 'finish:', POOL .. 'fifo:'
local MAX_WAKE_TOKENS = 64

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function next_number()
  return redis.call('HINCRBY', META, 'seq', 1)
end

local function member_of(seq, class, tenant, user, cost, id)
  return string.format('%016d:%s:%s:%s:%d:%s', seq, class, tenant, user, cost, id)
end

local function job_of(member)
  local seq, class, tenant, user, cost, id =
    string.match(member, '^(%d+):(%a):([^:]*):([^:]*):(%d+):(.*)$')
  return { member = member, seq = tonumber(seq), class = class, tenant = tenant, user = user,
    cost = tonumber(cost), id = id }
end

-- Where a job with a record belongs.
local function find_job(id)
  return job_of(redis.call('HGET', JOB .. id, 'member'))
end

local function wake_one()
  if redis.call('LLEN', WAKE) < MAX_WAKE_TOKENS then
    redis.call('LPUSH', WAKE, 1)
  end
end

local function is_paused()
  return redis.call('HEXISTS', META, 'paused') == 1
end

-- Jobs that all live workers together can run at once.
local function live_slots(now)
  local slots = 0
  local workers = redis.call('ZRANGEBYSCORE', WORKERS, '(' .. now, '+inf')
  if #workers > 0 then
    for _, n in ipairs(redis.call('HMGET', SLOTS, unpack(workers))) do
      slots = slots + tonumber(n or 0)
    end
  end
  return slots
end

local function attempt_of(id)
  local counts = redis.call('HMGET', JOB .. id, 'runs', 'farewells')
  return tonumber(counts[1] or 0) + tonumber(counts[2] or 0)
end

-- The fence: whether this worker's hold is the newest one of the job; and the job's state.
local function newest_holder(id, worker, attempt)
  local record = redis.call('HMGET', JOB .. id, 'st', 'by', 'runs', 'farewells')
  local newest = tonumber(record[3] or 0) + tonumber(record[4] or 0)
  return record[2] == worker and newest == tonumber(attempt), record[1]
end

local function holds(id, worker, attempt)
  local is_newest, state = newest_holder(id, worker, attempt)
  return is_newest and state == 'running'
end

local function leave_lease(job)
  redis.call('ZREM', LEASES, job.member)
  redis.call('HINCRBY', META, 'running', -job.cost)
end

-- Back to the front. It was charged when it was served first, and stays so.
local function put_back(job)
  redis.call('HDEL', JOB .. job.id, 'by')
  redis.call('HSET', JOB .. job.id, 'st', 'queued')
  redis.call('ZADD', FRONT, job.seq, job.member)
  redis.call('ZADD', DEADLINES, tonumber(redis.call('HGET', JOB .. job.id, 'deadline')), job.member)
  redis.call('HINCRBY', META, 'front', job.cost)
  wake_one()
end

-- Whether the job stood in front; it does not any more.
local function leave_front(job)
  if redis.call('ZREM', FRONT, job.member) == 0 then
    return false
  end
  redis.call('ZREM', DEADLINES, job.member)
  redis.call('HINCRBY', META, 'front', -job.cost)
  return true
end

local function dead_letter(id, reason, max_letters)
  redis.call('XADD', DEAD, 'MAXLEN', '~', max_letters, '*', 'id', id,
    'attempts', attempt_of(id), 'reason', reason,
    'payload', redis.call('HGET', JOB .. id, 'payload') or '')
end

-- The record stays for a while, without the prompt, so that its state can be asked for.
local function end_job(id, state, keep_ms)
  redis.call('HDEL', JOB .. id, 'payload', 'sending')
  redis.call('HSET', JOB .. id, 'st', state)
  redis.call('PEXPIRE', JOB .. id, keep_ms)
end

-- Hierarchical start-time fair queueing. Put after common.lua before every script; the same rules
-- as bot/jobqueue/fair_tree.py, which explains them. ARGV: max_running_per_server,
-- max_running_per_user (0 = no cap), then what the script itself takes.
-- Every function takes a bounded number of O(log n) steps, n = a node's children or a user's jobs.
local MAX_RUNNING_SERVER, MAX_RUNNING_USER = tonumber(ARGV[1]), tonumber(ARGV[2])
local HAS_CAPS = MAX_RUNNING_SERVER + MAX_RUNNING_USER > 0
local CLASS_WEIGHTS = { i = 9, b = 1 }
local OTHER_CLASS = { i = 'b', b = 'i' }
local MAX_SIBLINGS = 256
local FRACTION = 2 ^ 20
local JOB_IN_LINE = 2 ^ 32  -- one number counts jobs and their tokens: it is read for every sibling

-- Tags are multiples of 2^-20, so that sums are exact and equal turns stay equal.
local function rounded(tokens)
  return math.floor(tokens * FRACTION + 0.5) / FRACTION
end

-- A job's way from its user up to the root: which child of which node it belongs to.
local function levels(class, tenant, user)
  local weight = tonumber(redis.call('HGET', WEIGHTS, tenant) or 1)
  return {
    { node = class .. ':' .. tenant, child = user, weight = 1 },
    { node = class, child = tenant, weight = weight },
    { node = '', child = class, weight = CLASS_WEIGHTS[class] },
  }
end

local function levels_of(job)
  job.levels = job.levels or levels(job.class, job.tenant, job.user)
  return job.levels
end

local function fifo_of(job)
  return FIFO .. job.class .. ':' .. job.tenant .. ':' .. job.user
end

-- Jobs in line and their cost, from the number that counts both.
local function unpacked(line)
  local n = math.floor((line or 0) / JOB_IN_LINE)
  return n, (line or 0) - n * JOB_IN_LINE
end

local function line_at(node, child)
  return unpacked(redis.call('HGET', LINE .. node, child))
end

-- Jobs in line of a child of a node, in both classes; `below` is the node's path in a class.
local function in_both(below, child)
  local interactive, background = line_at('i' .. below, child), line_at('b' .. below, child)
  return interactive + background
end

local function in_line()
  local interactive, background = line_at('', 'i'), line_at('', 'b')
  return interactive + background
end

-- Jobs of a child that were served and have not ended.
local function running_at(node, child)
  return tonumber(redis.call('HGET', NODE .. node, 'r:' .. child) or 0)
end

local function add(key, field, amount)
  if redis.call('HINCRBY', key, field, amount) == 0 then
    redis.call('HDEL', key, field)
  end
end

-- Counts a job in or out of the line (queued) and of those served (running), on all levels.
local function add_counts(job, queued, running)
  for _, level in ipairs(levels_of(job)) do
    if queued ~= 0 then
      add(LINE .. level.node, level.child, queued * (JOB_IN_LINE + job.cost))
    end
    if running ~= 0 then
      add(NODE .. level.node, 'r:' .. level.child, running)
    end
  end
end

-- A child's start tag, its turn (false unless it is eligible), and its node's virtual time.
local function standing(level)
  local state = redis.call('HMGET', NODE .. level.node, 'v', 'a:' .. level.child)
  local v, turn = tonumber(state[1] or 0), state[2]
  if turn then
    local tag = redis.call('ZSCORE', ELIGIBLE .. level.node, turn .. ':' .. level.child)
    return tonumber(tag), turn, v
  end
  local tag = tonumber(redis.call('ZSCORE', FINISH .. level.node, level.child) or 0)
  return math.max(v, tag), false, v
end

local function set_tag(level, tag, turn, v)
  if turn then
    redis.call('ZADD', ELIGIBLE .. level.node, tag, turn .. ':' .. level.child)
  elseif tag > v then
    redis.call('ZADD', FINISH .. level.node, tag, level.child)
  else
    redis.call('ZREM', FINISH .. level.node, level.child)
  end
end

local function set_eligible(level, wanted)
  if (redis.call('HEXISTS', NODE .. level.node, 'a:' .. level.child) == 1) == wanted then
    return
  end
  local tag, turn, v = standing(level)
  if wanted then
    turn = string.format('%016d', next_number())
    redis.call('ZREM', FINISH .. level.node, level.child)
    redis.call('HSET', NODE .. level.node, 'a:' .. level.child, turn)
    set_tag(level, tag, turn, v)
  else
    redis.call('ZREM', ELIGIBLE .. level.node, turn .. ':' .. level.child)
    redis.call('HDEL', NODE .. level.node, 'a:' .. level.child)
    set_tag(level, tag, false, v)
  end
end

local function below_cap(cap, node, child)
  return cap == 0 or running_at('i' .. node, child) + running_at('b' .. node, child) < cap
end

local function refresh_way(up, tenant, user)
  set_eligible(up[1], line_at(up[1].node, user) > 0
    and below_cap(MAX_RUNNING_USER, ':' .. tenant, user))
  set_eligible(up[2], redis.call('EXISTS', ELIGIBLE .. up[1].node) == 1
    and below_cap(MAX_RUNNING_SERVER, '', tenant))
  set_eligible(up[3], redis.call('EXISTS', ELIGIBLE .. up[2].node) == 1)
end

-- Who may be served. Without caps that changes only with a user's first and last job in line;
-- caps count both classes.
local function refresh(job)
  refresh_way(levels_of(job), job.tenant, job.user)
  if HAS_CAPS then
    local other = levels(OTHER_CLASS[job.class], job.tenant, job.user)
    refresh_way(other, job.tenant, job.user)
  end
end

local function forget_node(node)
  redis.call('DEL', NODE .. node, LINE .. node, ELIGIBLE .. node, FINISH .. node)
end

-- A node without jobs starts anew with its next one.
local function prune(job)
  local way = levels_of(job)
  for i = 2, 3 do
    local node, child = way[i].node, way[i].child
    if line_at(node, child) > 0 or running_at(node, child) > 0 then
      return
    end
    forget_node(way[i - 1].node)
  end
  if redis.call('EXISTS', LINE) == 0 and running_at('', 'i') + running_at('', 'b') == 0 then
    forget_node('')
  end
end

local function into_line(job, deadline)
  redis.call('ZADD', fifo_of(job), job.seq, job.member)
  redis.call('ZADD', DEADLINES, tonumber(deadline), job.member)
  add_counts(job, 1, 0)
  if redis.call('ZCARD', fifo_of(job)) == 1 then
    refresh(job)
  end
  wake_one()
end

-- Out of turn: nobody is charged for it. `running` = 1 if a worker takes it.
local function out_of_line(job, running)
  redis.call('ZREM', DEADLINES, job.member)
  redis.call('ZREM', fifo_of(job), job.member)
  add_counts(job, -1, running)
  if HAS_CAPS or redis.call('EXISTS', fifo_of(job)) == 0 then
    refresh(job)
  end
  if running == 0 then
    prune(job)
  end
end

local function first_child(node)
  local first = redis.call('ZRANGE', ELIGIBLE .. node, 0, 0)[1]
  return first and string.sub(first, 18)
end

-- Takes the job whose turn it is out of the line and charges it; nil where none may be served.
local function serve_next()
  local class = first_child('')
  local tenant = class and first_child(class)
  local user = tenant and first_child(class .. ':' .. tenant)
  local member = user
    and redis.call('ZRANGE', FIFO .. class .. ':' .. tenant .. ':' .. user, 0, 0)[1]
  if not member then
    return nil
  end
  local job = job_of(member)
  for _, level in ipairs(levels_of(job)) do
    local tag, turn, v = standing(level)
    v = math.max(v, tag)
    redis.call('ZREMRANGEBYSCORE', FINISH .. level.node, '-inf', v)
    redis.call('HSET', NODE .. level.node, 'v', v)
    set_tag(level, tag + rounded(job.cost / level.weight), turn, v)
  end
  out_of_line(job, 1)
  return job
end

-- A job that was served has ended; gives back what it was charged and did not use.
local function end_service(job, unused)
  add_counts(job, 0, -1)
  if unused ~= 0 then
    for _, level in ipairs(levels_of(job)) do
      local tag, turn, v = standing(level)
      set_tag(level, math.max(v, tag - rounded(unused / level.weight)), turn, v)
    end
  end
  if HAS_CAPS then
    refresh(job)
  end
  prune(job)
  if HAS_CAPS and redis.call('EXISTS', ELIGIBLE) == 1 then
    wake_one()
  end
end

-- Takes a waiting job out for good. One that was given back unharmed costs nothing.
local function stop_waiting(job, keep_ms)
  if leave_front(job) then
    local charged = tonumber(redis.call('HGET', JOB .. job.id, 'charged') or 0)
    end_service(job, attempt_of(job.id) == 0 and charged or 0)
  else
    out_of_line(job, 0)
  end
  end_job(job.id, 'stopped', keep_ms)
end

-- What becomes of a job whose holder failed: back to the front, or, where nobody can be told any
-- more, a dead letter. Returns whether it was put back. The lease is gone already.
local function after_failure(job, max_farewells, keep_ms, max_letters)
  local farewells = redis.call('HGET', JOB .. job.id, 'farewells')
  if farewells and tonumber(farewells) < tonumber(max_farewells) then
    put_back(job)
    return true
  end
  if farewells then
    dead_letter(job.id, 'its asker could not be told that it failed', max_letters)
    end_job(job.id, 'dead', keep_ms)
  else
    dead_letter(job.id, 'its record was lost', max_letters)
  end
  end_service(job, 0)
  return false
end

local function weights_of(level, names)
  if level.node == '' then
    return { CLASS_WEIGHTS[names[1]], CLASS_WEIGHTS[names[2]] }
  elseif level.node == 'i' or level.node == 'b' then
    return redis.call('HMGET', WEIGHTS, unpack(names))
  end
  return {}
end

-- Jobs of a child's siblings that are served before its job number `jobs` (from 0), and their
-- cost, and the child's turn; `cost` is what its jobs before that one cost. Written for speed:
-- every put runs it.
local function siblings_ahead(level, jobs, cost)
  local tag, turn = standing(level)
  local mine = jobs > 0 and tag + jobs * rounded(cost / jobs / level.weight) or tag
  local key, own, ceil = ELIGIBLE .. level.node, level.child, math.ceil
  local lower = redis.call('ZRANGEBYSCORE', key, '-inf', mine, 'LIMIT', 0, MAX_SIBLINGS,
    'WITHSCORES')
  local names, n_ahead, cost_ahead = {}, 0, 0
  for i = 1, #lower, 2 do
    names[#names + 1] = string.sub(lower[i], 18)
  end
  if #names == 0 or #names == 1 and names[1] == own then
    return 0, 0, turn
  end
  local lines = redis.call('HMGET', LINE .. level.node, unpack(names))
  local weights = weights_of(level, names)
  for i, name in ipairs(names) do
    if name ~= own then
      local n, tokens = unpacked(lines[i])
      local average = tokens / n
      local turns = (mine - lower[2 * i]) / rounded(average / (weights[i] or 1))
      local before = ceil(turns)
      if before == turns and (not turn or string.sub(lower[2 * i - 1], 1, 16) < turn) then
        before = before + 1
      end
      if before > n then
        before = n
      end
      n_ahead, cost_ahead = n_ahead + before, cost_ahead + before * average
    end
  end
  if #names == MAX_SIBLINGS then
    local scale = redis.call('ZCOUNT', key, '-inf', mine) / MAX_SIBLINGS
    n_ahead, cost_ahead = math.floor(n_ahead * scale + 0.5), cost_ahead * scale
  end
  return n_ahead, cost_ahead, turn
end

-- What is served before a waiting job: how many, their cost, how many of them are its tenant's,
-- and whether a cap holds it back.
local function ahead_of(job)
  local front, front_cost = redis.call('ZCARD', FRONT), redis.call('HGET', META, 'front')
  front_cost = tonumber(front_cost or 0)
  local rank = redis.call('ZRANK', FRONT, job.member)
  if rank then
    return rank, front_cost * rank / front, 0, false
  end
  local way = levels_of(job)
  local jobs = redis.call('ZRANK', fifo_of(job), job.member)
  local cost = 0
  if jobs > 0 then
    local n, tokens = line_at(way[1].node, job.user)
    cost = jobs * tokens / n
  end
  local own, is_capped = 0, false
  for i, level in ipairs(way) do
    local n, tokens, turn = siblings_ahead(level, jobs, cost)
    jobs, cost = jobs + n, cost + tokens
    if i == 1 then
      own = jobs
    end
    is_capped = is_capped or not turn
  end
  return jobs + front, cost + front_cost, own, is_capped
end

-- Seconds until a job starts, or nil: nobody works, the pace is not known yet, or all is paused.
local function seconds_to_start(now, jobs, cost, is_capped)
  local slots = live_slots(now)
  if slots == 0 or is_paused() then
    return nil
  end
  local free = slots - redis.call('ZCARD', LEASES)
  if jobs < free and not is_capped then
    return 0
  end
  local meta = redis.call('HMGET', META, 'rate', 'running')
  if not meta[1] then
    return nil
  end
  if free <= 0 then
    cost = cost + tonumber(meta[2] or 0) / 2
  end
  return cost * tonumber(meta[1]) / slots
end

-- How a job waits, as the replies say it: place (0 = it does not wait), seconds to its start ('' =
-- not known), 1 if most of those ahead are its tenant's own. Then the seconds as a number.
local function waiting(job, now)
  local jobs, cost, own, is_capped = ahead_of(job)
  local eta = seconds_to_start(now, jobs, cost, is_capped)
  local own_share = (own * 2 > jobs or is_capped) and 1 or 0
  return { jobs + 1, eta and string.format('%.6f', eta) or '', own_share }, eta
end

local function waiting_by_id(id, now)
  if redis.call('HGET', JOB .. id, 'st') ~= 'queued' then
    return { 0, '', 0 }
  end
  return (waiting(find_job(id), now))
end

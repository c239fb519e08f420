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

-- A job's way from its user up to the root: which child of which node it belongs to. What is read
-- or written of a child on the way stays with its level; so a way is for one job, while no other
-- changes the tree.
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

local function line_of(level)
  level.line = level.line or tonumber(redis.call('HGET', LINE .. level.node, level.child) or 0)
  return unpacked(level.line)
end

-- Jobs in line of a way's user or tenant (its level 1 or 2), in both classes.
local function in_both(way, i)
  local own = line_of(way[i])
  local other = line_at(OTHER_CLASS[way[3].child] .. string.sub(way[i].node, 2), way[i].child)
  return own + other
end

local function in_line()
  local lines = redis.call('HMGET', LINE, 'i', 'b')
  local interactive, background = unpacked(lines[1]), unpacked(lines[2])
  return interactive + background
end

-- Jobs of a child that were served and have not ended.
local function running_at(node, child)
  return tonumber(redis.call('HGET', NODE .. node, 'r:' .. child) or 0)
end

-- Its node's virtual time, its turn (false unless it is eligible), and those of it that run.
local function read_state(level)
  if not level.v then
    local state = redis.call('HMGET', NODE .. level.node, 'v', 'a:' .. level.child,
      'r:' .. level.child)
    level.v, level.turn, level.running =
      tonumber(state[1] or 0), state[2], tonumber(state[3] or 0)
  end
  return level
end

local function add(key, field, amount)
  local sum = redis.call('HINCRBY', key, field, amount)
  if sum == 0 then
    redis.call('HDEL', key, field)
  end
  return sum
end

-- Counts a job in or out of the line (queued) and of those served (running), on all levels.
local function add_counts(job, queued, running)
  for _, level in ipairs(levels_of(job)) do
    if queued ~= 0 then
      level.line = add(LINE .. level.node, level.child, queued * (JOB_IN_LINE + job.cost))
    end
    if running ~= 0 then
      level.running = add(NODE .. level.node, 'r:' .. level.child, running)
    end
  end
end

-- A child's start tag.
local function tag_of(level)
  if not level.tag then
    read_state(level)
    if level.turn then
      level.tag =
        tonumber(redis.call('ZSCORE', ELIGIBLE .. level.node, level.turn .. ':' .. level.child))
    else
      local tag = tonumber(redis.call('ZSCORE', FINISH .. level.node, level.child) or 0)
      level.tag = math.max(level.v, tag)
    end
  end
  return level.tag
end

local function write_tag(level)
  if level.turn then
    redis.call('ZADD', ELIGIBLE .. level.node, level.tag, level.turn .. ':' .. level.child)
  elseif level.tag > level.v then
    redis.call('ZADD', FINISH .. level.node, level.tag, level.child)
  else
    redis.call('ZREM', FINISH .. level.node, level.child)
  end
end

local function set_eligible(level, wanted)
  if (read_state(level).turn ~= false) == wanted then
    return
  end
  tag_of(level)
  if wanted then
    level.turn = string.format('%016d', next_number())
    redis.call('ZREM', FINISH .. level.node, level.child)
    redis.call('HSET', NODE .. level.node, 'a:' .. level.child, level.turn)
  else
    redis.call('ZREM', ELIGIBLE .. level.node, level.turn .. ':' .. level.child)
    redis.call('HDEL', NODE .. level.node, 'a:' .. level.child)
    level.turn = false
  end
  write_tag(level)
end

local function below_cap(cap, node, child)
  return cap == 0 or running_at('i' .. node, child) + running_at('b' .. node, child) < cap
end

local function has_eligible(level)
  return level.turn ~= false or redis.call('EXISTS', ELIGIBLE .. level.node) == 1
end

local function refresh_way(up, tenant, user)
  set_eligible(up[1], line_of(up[1]) > 0 and below_cap(MAX_RUNNING_USER, ':' .. tenant, user))
  set_eligible(up[2], has_eligible(up[1]) and below_cap(MAX_RUNNING_SERVER, '', tenant))
  set_eligible(up[3], has_eligible(up[2]))
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

-- A node without jobs starts anew with its next one. For the end of what is done to a job.
local function prune(job)
  local way = levels_of(job)
  for i = 2, 3 do
    if line_of(way[i]) > 0 or read_state(way[i]).running > 0 then
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
  job.rank = line_of(job.levels[1]) - 1  -- nobody came later
  if job.rank == 0 then
    refresh(job)
  end
  wake_one()
end

-- Out of turn: nobody is charged for it. `running` = 1 if a worker takes it.
local function out_of_line(job, running)
  redis.call('ZREM', DEADLINES, job.member)
  redis.call('ZREM', fifo_of(job), job.member)
  add_counts(job, -1, running)
  if HAS_CAPS or line_of(job.levels[1]) == 0 then
    refresh(job)
  end
  if running == 0 then
    prune(job)
  end
end

-- The level of the child that is served next, or nil.
local function first_level(node)
  local first = redis.call('ZRANGE', ELIGIBLE .. node, 0, 0, 'WITHSCORES')
  return first[1] and { node = node, child = string.sub(first[1], 18),
    turn = string.sub(first[1], 1, 16), tag = tonumber(first[2]) }
end

-- Takes the job whose turn it is out of the line and charges it; nil where none may be served.
local function serve_next()
  local class = first_level('')
  local tenant = class and first_level(class.child)
  local user = tenant and first_level(class.child .. ':' .. tenant.child)
  local member = user and redis.call('ZRANGE', FIFO .. user.node .. ':' .. user.child, 0, 0)[1]
  if not member then
    return nil
  end
  local job = job_of(member)
  for i, level in ipairs(levels_of(job)) do
    local first = ({ user, tenant, class })[i]
    level.turn, level.tag = first.turn, first.tag
    level.v = math.max(tonumber(redis.call('HGET', NODE .. level.node, 'v') or 0), level.tag)
    redis.call('ZREMRANGEBYSCORE', FINISH .. level.node, '-inf', level.v)
    redis.call('HSET', NODE .. level.node, 'v', level.v)
    level.tag = level.tag + rounded(job.cost / level.weight)
  end
  out_of_line(job, 1)
  for _, level in ipairs(job.levels) do
    if level.turn then  -- else its tag is written
      write_tag(level)
    end
  end
  return job
end

-- A job that was served has ended; gives back what it was charged and did not use.
local function end_service(job, unused)
  add_counts(job, 0, -1)
  if unused ~= 0 then
    for _, level in ipairs(levels_of(job)) do
      level.tag = math.max(read_state(level).v, tag_of(level) - rounded(unused / level.weight))
      write_tag(level)
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
  elseif #level.node == 1 and redis.call('EXISTS', WEIGHTS) == 1 then
    return redis.call('HMGET', WEIGHTS, unpack(names))
  end
  return {}
end

-- Jobs of a child's siblings that are served before its job number `jobs` (from 0), and their
-- cost, and the child's turn; `cost` is what its jobs before that one cost. Written for speed:
-- every put runs it.
local function siblings_ahead(level, jobs, cost)
  local tag, turn = tag_of(level), level.turn
  local mine = jobs > 0 and tag + jobs * rounded(cost / jobs / level.weight) or tag
  local key, own, ceil = ELIGIBLE .. level.node, level.child, math.ceil
  local lower = redis.call('ZRANGEBYSCORE', key, '-inf', mine, 'LIMIT', 0, MAX_SIBLINGS,
    'WITHSCORES')
  local names, n_ahead, cost_ahead, sub, floor = {}, 0, 0, string.sub, math.floor
  for i = 1, #lower, 2 do
    names[(i + 1) / 2] = sub(lower[i], 18)
  end
  if #names == 0 or #names == 1 and names[1] == own then
    return 0, 0, turn
  end
  local lines = redis.call('HMGET', LINE .. level.node, unpack(names))
  local weights = weights_of(level, names)
  for i, name in ipairs(names) do
    if name ~= own then
      local line = tonumber(lines[i])  -- `unpacked` and `rounded`, without the calls
      local n = floor(line / JOB_IN_LINE)
      local average = (line - n * JOB_IN_LINE) / n
      local step = floor(average / (weights[i] or 1) * FRACTION + 0.5) / FRACTION
      local turns = (mine - lower[2 * i]) / step
      local before = ceil(turns)
      if before == turns and (not turn or sub(lower[2 * i - 1], 1, 16) < turn) then
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
local function ahead_of(job, front_cost)
  local front = redis.call('ZCARD', FRONT)
  if not job.rank then
    local rank = redis.call('ZRANK', FRONT, job.member)
    if rank then
      return rank, front_cost * rank / front, 0, false
    end
  end
  local way = levels_of(job)
  local jobs = job.rank or redis.call('ZRANK', fifo_of(job), job.member)
  local cost = 0
  if jobs > 0 then
    local n, tokens = line_of(way[1])
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
local function seconds_to_start(now, jobs, cost, is_capped, paused, rate, running)
  local slots = live_slots(now)
  if slots == 0 or paused then
    return nil
  end
  local free = slots - redis.call('ZCARD', LEASES)
  if jobs < free and not is_capped then
    return 0
  end
  if not rate then
    return nil
  end
  if free <= 0 then
    cost = cost + tonumber(running or 0) / 2
  end
  return cost * tonumber(rate) / slots
end

-- How a job waits, as the replies say it: place (0 = it does not wait), seconds to its start ('' =
-- not known), 1 if most of those ahead are its tenant's own. Then the seconds as a number.
local function waiting(job, now)
  local meta = redis.call('HMGET', META, 'front', 'paused', 'rate', 'running')
  local jobs, cost, own, is_capped = ahead_of(job, tonumber(meta[1] or 0))
  local eta = seconds_to_start(now, jobs, cost, is_capped, unpack(meta, 2))
  local own_share = (own * 2 > jobs or is_capped) and 1 or 0
  return { jobs + 1, eta and string.format('%.6f', eta) or '', own_share }, eta
end

local function waiting_by_id(id, now)
  if redis.call('HGET', JOB .. id, 'st') ~= 'queued' then
    return { 0, '', 0 }
  end
  return (waiting(find_job(id), now))
end

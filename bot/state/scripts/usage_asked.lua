-- Notes a request once; returns {1}, or {0} where its job id was noted before. O(1)
-- Its end goes along where that came first.
-- ARGV: job id, server ('' = none), user, 1 = accepted, record, records kept of a server, days that
-- records are kept, days that counters are kept, then pairs of counter and amount.
local id, guild, user, is_open, record = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local max_records, record_days, counter_days =
  tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

local early = redis.call('HGET', JOB .. id, 'early')
if not early and redis.call('EXISTS', JOB .. id) == 1 then
  return {0}
end
redis.call('DEL', JOB .. id)
local now = now_ms()
local day = math.floor(now / DAY_MS)
redis.call('HSET', JOB .. id, 'guild', guild, 'day', day, 'open', is_open)
redis.call('PEXPIRE', JOB .. id, DAY_MS)

local function count(owner)
  local key = DAY .. owner .. ':' .. day
  for i = 9, #ARGV, 2 do
    redis.call('HINCRBY', key, ARGV[i], ARGV[i + 1])
  end
  redis.call('PEXPIREAT', key, (day + counter_days) * DAY_MS)
end

-- Drops whole nodes of the oldest day that has any, of the ends as many as of the requests.
local function bound()
  local total = 0
  for d = day - record_days + 1, day do
    total = total + redis.call('XLEN', ASKED .. guild .. ':' .. d)
  end
  for d = day - record_days + 1, day do
    if total <= max_records then
      return
    end
    local asked, ended = ASKED .. guild .. ':' .. d, ENDED .. guild .. ':' .. d
    local length = redis.call('XLEN', asked)
    if length > 0 then
      local keep = math.max(0, length - (total - max_records))
      total = total - redis.call('XTRIM', asked, 'MAXLEN', '~', keep)
      local left = redis.call('XLEN', asked)
      redis.call('XTRIM', ended, 'MAXLEN', '~', left)
      if left > 0 then
        return
      end
    end
  end
end

count('all')
if guild ~= '' then
  local asked = ASKED .. guild .. ':' .. day
  count(guild)
  redis.call('XADD', asked, '*', 'r', record)
  redis.call('PEXPIREAT', asked, (day + record_days) * DAY_MS)
  bound()
  -- Where to look when the user wants to be forgotten.
  redis.call('ZADD', USER .. user, now, guild)
  redis.call('ZREMRANGEBYSCORE', USER .. user, '-inf', now - record_days * DAY_MS)
  redis.call('PEXPIRE', USER .. user, record_days * DAY_MS)
end
if early and is_open == '1' then
  note_end(cjson.decode(early))
end
return {1}

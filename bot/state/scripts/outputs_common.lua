-- Put before every script of outputs, behind common.lua.
local TEXT, REPLY, WRITING, OF, OWNERS = unpack(KEYS)
local CLEANED = 50  -- entries that an index forgets whenever one is added

-- The indexes that know a text: of who asked, and of the server if there is one.
local function owners_of(user, guild)
  if guild == '' then
    return {'user:' .. user}
  end
  return {'user:' .. user, 'guild:' .. guild}
end

-- A key goes at this moment, or later where it was to go later. GT is not in Redis 6.2.
local function expire_at_least(key, at, now)
  if redis.call('PTTL', key) < at - now then
    redis.call('PEXPIREAT', key, at)
  end
end

-- Drops some of what is over; returns how many. O(n log entries)
local function clean(owner, now, n)
  local over = redis.call('ZRANGEBYSCORE', OF .. owner, '-inf', now, 'LIMIT', 0, n)
  if #over > 0 then
    redis.call('ZREM', OF .. owner, unpack(over))
  end
  return #over
end

local function index(owner, code, at, now)
  redis.call('ZADD', OF .. owner, at, code)
  clean(owner, now, CLEANED)
  expire_at_least(OF .. owner, at, now)
  redis.call('ZADD', OWNERS, 'NX', at, owner)
end

-- Removes a text and all that knows of it; returns how many there were, 0 or 1.
local function remove(code)
  local known = redis.call('HMGET', TEXT .. code, 'user', 'guild', 'root')
  if not known[1] then
    return 0
  end
  for _, owner in ipairs(owners_of(known[1], known[2])) do
    redis.call('ZREM', OF .. owner, code)
    if redis.call('EXISTS', OF .. owner) == 0 then
      redis.call('ZREM', OWNERS, owner)
    end
  end
  redis.call('ZREM', REPLY .. known[3], code)
  redis.call('UNLINK', TEXT .. code)
  return 1
end

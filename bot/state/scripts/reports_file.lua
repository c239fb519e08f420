-- Keeps a report; returns {'new' | 'again' | 'many'}. O(reports of one server)
-- ARGV: id, code, server ('' = none), reporter, asker, record, ms that it is kept, reports of one
-- member in an hour, reports kept of a server.
local REPORT, ALL, GUILD, USER, FILED = unpack(KEYS)
local id, code, guild, reporter, asker = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local record, ttl_ms, per_hour, most = ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local now = now_ms()
local filed = FILED .. reporter

-- What this member has reported: "<code> <id>" by when.
redis.call('ZREMRANGEBYSCORE', filed, '-inf', now - ttl_ms)
for _, entry in ipairs(redis.call('ZRANGE', filed, 0, -1)) do
  local earlier, by = string.match(entry, '^(%S+) (%S+)$')
  if earlier == code then
    return {by == id and 'new' or 'again'}
  end
end
if redis.call('ZCOUNT', filed, '(' .. (now - 3600000), '+inf') >= per_hour then
  return {'many'}
end
redis.call('ZADD', filed, now, code .. ' ' .. id)
redis.call('PEXPIRE', filed, ttl_ms)
redis.call('SET', REPORT .. id, record, 'PX', ttl_ms)

local function note(key)
  redis.call('ZADD', key, now, id)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - ttl_ms)
  redis.call('PEXPIRE', key, ttl_ms)
end

local theirs = GUILD .. guild
note(ALL)
note(theirs)
note(USER .. reporter)
note(USER .. asker)
local excess = redis.call('ZCARD', theirs) - most
if excess > 0 then
  for _, old in ipairs(redis.call('ZRANGE', theirs, 0, excess - 1)) do
    redis.call('UNLINK', REPORT .. old)
    redis.call('ZREM', ALL, old)
    redis.call('ZREM', theirs, old)
  end
end
return {'new'}

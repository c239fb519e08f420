-- Keeps an X-ray as text; returns {}. O(log n)
-- ARGV: id, record, user, server ('' = none), how long to keep it (ms).
local XRAY, USER, GUILD = unpack(KEYS)
local id, record, user, guild, keep = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local now = now_ms()

redis.call('HSET', XRAY .. id, 'r', record, 'user', user, 'guild', guild)
redis.call('PEXPIRE', XRAY .. id, keep)

local function note(key)
  redis.call('ZADD', key, now + keep, id)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('PEXPIRE', key, keep)
end

note(USER .. user)
if guild ~= '' then
  note(GUILD .. guild)
end
return {}

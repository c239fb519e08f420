-- Keeps the texts of one job, as the newest versions of their reply; those that are there already
-- are replaced where they are. O(versions)
-- ARGV: root, job, keep_ms, how many versions are kept, then of each text: code, user, server
-- ('' = none), record.
local root, job, keep_ms, max_versions = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local reply = REPLY .. root
local now = now_ms()
local gone_at = now + keep_ms

local newest = redis.call('ZRANGE', reply, -1, -1, 'WITHSCORES')
local place = tonumber(newest[2] or 0)
for i = 5, #ARGV, 4 do
  local code, user, guild, json = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  redis.call('HSET', TEXT .. code, 'json', json, 'user', user, 'guild', guild, 'root', root,
    'job', job)
  place = place + 1
  redis.call('ZADD', reply, 'NX', place, code)
end
local extra = redis.call('ZCARD', reply) - max_versions
if extra > 0 then
  for _, code in ipairs(redis.call('ZRANGE', reply, 0, extra - 1)) do
    remove(code)
    redis.call('ZREM', reply, code)
  end
end
for _, code in ipairs(redis.call('ZRANGE', reply, 0, -1)) do
  local known = redis.call('HMGET', TEXT .. code, 'user', 'guild')
  if known[1] then
    redis.call('PEXPIREAT', TEXT .. code, gone_at)
    for _, owner in ipairs(owners_of(known[1], known[2])) do
      index(owner, code, gone_at, now)
    end
  else
    redis.call('ZREM', reply, code)
  end
end
redis.call('PEXPIREAT', reply, gone_at)
if redis.call('GET', WRITING .. root) == job then
  redis.call('DEL', WRITING .. root)
end
return {1}

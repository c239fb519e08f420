-- The bot was removed from a server ('1') or is back ('0'). The first removal's time stays.
-- ARGV: guild, '1' or '0'
local SETTINGS, LOG, REMOVED, BLOCKS, CHANGED, SEEN = unpack(KEYS)
local guild, is_removed = unpack(ARGV)
if is_removed == '1' then
  redis.call('ZREM', SEEN, guild)
  redis.call('ZADD', REMOVED, 'NX', now_ms(), guild)
else
  redis.call('ZREM', REMOVED, guild)
end
redis.call('PUBLISH', CHANGED, guild)
return {}

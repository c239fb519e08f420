-- Blocks a server or user, or ends that where the record is empty: '1' where it was blocked before.
-- ARGV: field ("server:<id>" or "user:<id>"), JSON or ''
local SETTINGS, LOG, REMOVED, BLOCKS, CHANGED = unpack(KEYS)
local field, record = unpack(ARGV)
local was = redis.call('HEXISTS', BLOCKS, field)
if record == '' then
  redis.call('HDEL', BLOCKS, field)
else
  redis.call('HSET', BLOCKS, field, string.format('%d %s', now_ms(), record))
end
redis.call('PUBLISH', CHANGED, 'blocks')
return {tostring(was)}

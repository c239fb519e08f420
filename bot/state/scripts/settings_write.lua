-- Writes settings where nobody else did meanwhile: '1', or '0' where somebody did.
-- A call that is sent again (same token) after its answer was lost is told '1' too.
-- ARGV: guild, revision that was read, token, JSON, JSON of the log's entry, entries to keep
local SETTINGS, LOG, REMOVED, BLOCKS, CHANGED = unpack(KEYS)
local guild, read, token, json, entry, keep = unpack(ARGV)
local found = redis.call('HMGET', SETTINGS .. guild, 'revision', 'token')
local revision = tonumber(found[1] or 0)
if found[2] == token then
  return {'1'}
end
if revision ~= tonumber(read) then
  return {'0'}
end
revision = revision + 1
redis.call('HSET', SETTINGS .. guild, 'revision', revision, 'json', json, 'token', token)
redis.call('LPUSH', LOG .. guild, string.format('%d %d %s', now_ms(), revision, entry))
redis.call('LTRIM', LOG .. guild, 0, tonumber(keep) - 1)
redis.call('PUBLISH', CHANGED, guild)
return {'1'}

-- Deletes everything about a server but the host's block.
-- ARGV: guild
local SETTINGS, LOG, REMOVED, BLOCKS, CHANGED = unpack(KEYS)
local guild = ARGV[1]
redis.call('DEL', SETTINGS .. guild, LOG .. guild)
redis.call('ZREM', REMOVED, guild)
redis.call('PUBLISH', CHANGED, guild)
return {}

-- Settings of one server: its revision (0: none), their JSON, when the bot was removed (ms or '').
-- ARGV: guild
local SETTINGS, LOG, REMOVED, BLOCKS, CHANGED = unpack(KEYS)
local guild = ARGV[1]
local found = redis.call('HMGET', SETTINGS .. guild, 'revision', 'json')
return {found[1] or '0', found[2] or '', redis.call('ZSCORE', REMOVED, guild) or ''}

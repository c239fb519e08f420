-- An X-ray as text: {record}, or {} where there is none. O(1)
-- ARGV: id.
local XRAY = unpack(KEYS)
local record = redis.call('HGET', XRAY .. ARGV[1], 'r')
return record and {record} or {}

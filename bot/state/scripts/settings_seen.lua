-- The bot is in these servers now. Those that nobody has seen for long count as removed since they
-- were last seen: Discord tells of a removal only those who are connected then.
-- ARGV: for how long (ms), guilds. Returns those that count as removed from now on.
local MOST = 1000  -- the others' turn comes with the next call
local SETTINGS, LOG, REMOVED, BLOCKS, CHANGED, SEEN = unpack(KEYS)
local now = now_ms()
for i = 2, #ARGV do
  redis.call('ZREM', REMOVED, ARGV[i])
  redis.call('ZADD', SEEN, now, ARGV[i])
end
local gone = redis.call('ZRANGEBYSCORE', SEEN, '-inf', now - tonumber(ARGV[1]), 'WITHSCORES',
  'LIMIT', 0, MOST)
local guilds = {}
for i = 1, #gone, 2 do
  redis.call('ZREM', SEEN, gone[i])
  redis.call('ZADD', REMOVED, 'NX', gone[i + 1], gone[i])
  guilds[#guilds + 1] = gone[i]
end
return guilds

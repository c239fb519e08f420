-- Put before every script of scored games, behind common.lua.
local GAME, CHANNEL, DUE, TABLE, TABLES = unpack(KEYS)

local function whole(n)
  return string.format('%.0f', n)
end

-- Whether another game that is still kept is played in a channel.
local function is_occupied(channel, id)
  local other = redis.call('GET', CHANNEL .. channel)
  return other and other ~= id and redis.call('EXISTS', GAME .. other) == 1
end

-- Keeps a game. `channel` is '' where it is over. O(log games)
local function keep(id, revision, json, channel, due, lifetime)
  local old = redis.call('HGET', GAME .. id, 'channel')
  if old and old ~= channel and redis.call('GET', CHANNEL .. old) == id then
    redis.call('DEL', CHANNEL .. old)
  end
  redis.call('HSET', GAME .. id, 'json', json, 'revision', revision, 'channel', channel)
  redis.call('PEXPIRE', GAME .. id, lifetime)
  if channel ~= '' then
    redis.call('SET', CHANNEL .. channel, id, 'PX', lifetime)
  end
  if due == '' then
    redis.call('ZREM', DUE, id)
  else
    redis.call('ZADD', DUE, due, id)
  end
end

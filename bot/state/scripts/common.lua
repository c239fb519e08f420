-- Put before every script of this room. Commands of Redis 6.2 only.

-- The server's time, in ms.
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

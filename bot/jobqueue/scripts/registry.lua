-- Put before the scripts of the registry. SEEN: model -> when a worker announced it last (ms).
-- CONTROLS: what the host decided for all queues: rev, paused (its message, while it is), and
-- w:<tenant> (a weight that is not 1).
local SEEN, CONTROLS = unpack(KEYS)

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

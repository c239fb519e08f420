-- Corrects a job's charge to what it used, once. ARGV: job id, used tokens; -1 = nothing, and the
-- request itself is given back too. Returns 1, or 0 where there is no such charge (any more).
-- Starts with a removal, so that it also runs where memory is full. O(buckets)
local BUCKET, CHARGE, OPEN = KEYS[1], KEYS[2], KEYS[5]
local id, used = ARGV[1], tonumber(ARGV[2])
redis.call('ZREM', OPEN, id)
local taken = redis.call('HGET', CHARGE .. id, 'taken')
if not taken then
  return { 0 }
end
redis.call('DEL', CHARGE .. id)
local now = now_ms()
for _, one in ipairs(cjson.decode(taken)) do
  local key, unit, cost = BUCKET .. one[1], one[2], tonumber(one[3])
  local interval, charged_tat = tonumber(one[4]), tonumber(one[5])
  local target = cost
  if used < 0 then
    target = 0
  elseif unit == 'tokens' then
    target = used
  end
  -- What came back by itself in the meantime is not given back again.
  local shift = math.max((target - cost) * interval, math.min(0, now - charged_tat))
  local tat = math.max(now, tonumber(redis.call('GET', key) or 0)) + shift
  if tat <= now then
    redis.call('DEL', key)
  elseif shift ~= 0 then
    set_bucket(one[1], string.format('%.3f', tat), now)
  end
end
return { 1 }

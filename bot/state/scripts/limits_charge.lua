-- Takes a job's cost from all its buckets, or from none (GCRA; bot/core/limit_buckets.py).
-- ARGV: job id, keep_ms of its record, slack_ms, then of each bucket: key, unit, cost, amount,
-- period_ms, burst. A bucket's key holds its theoretical arrival time (TAT) and ends with it.
-- Returns 'charged' or 'refused', now, then key and TAT of each bucket: after the charge, or as
-- it is. A job that was charged already gets the answer it got then. O(buckets)
local BUCKET, CHARGE, OPEN = KEYS[1], KEYS[2], KEYS[5]
local id, keep_ms, slack = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local given = redis.call('HGET', CHARGE .. id, 'answer')
if given then
  return cjson.decode(given)
end
local now = now_ms()
local text_of = function(ms) return string.format('%.3f', ms) end
local passes = true
local before, after = {}, {}
local taken = {}
for i = 4, #ARGV, 6 do
  local key, unit, cost = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  local interval = tonumber(ARGV[i + 4]) / tonumber(ARGV[i + 3])
  local tat = math.max(now, tonumber(redis.call('GET', BUCKET .. key) or 0))
  local new = tat + cost * interval
  passes = passes and new - now <= tonumber(ARGV[i + 5]) * interval + slack
  table.insert(before, key)
  table.insert(before, text_of(tat))
  table.insert(after, key)
  table.insert(after, text_of(new))
  -- As text: cjson writes 14 digits of a number.
  table.insert(taken, { key, unit, tostring(cost), string.format('%.17g', interval), text_of(new) })
end
if not passes then
  return { 'refused', text_of(now), unpack(before) }
end
for _, one in ipairs(taken) do
  set_bucket(one[1], one[5], now)
end
local answer = { 'charged', text_of(now), unpack(after) }
redis.call('HSET', CHARGE .. id, 'v', 1, 'answer', cjson.encode(answer), 'taken', cjson.encode(taken))
redis.call('PEXPIRE', CHARGE .. id, keep_ms)
redis.call('ZADD', OPEN, now, id)
return answer

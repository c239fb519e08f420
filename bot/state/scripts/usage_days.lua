-- The counters of the last days, today last: {number of today, then for each day how many values
-- follow, then counter and amount in turn}. O(days)
-- ARGV: server or 'all', how many days.
local today = math.floor(now_ms() / DAY_MS)
local answer = {today}
for day = today - tonumber(ARGV[2]) + 1, today do
  local counters = redis.call('HGETALL', DAY .. ARGV[1] .. ':' .. day)
  answer[#answer + 1] = #counters
  for _, value in ipairs(counters) do
    answer[#answer + 1] = value
  end
end
return answer

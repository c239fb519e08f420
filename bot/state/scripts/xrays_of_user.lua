-- Some X-rays of a user: {how many ids were looked at, records}. O(n)
-- ARGV: user, how many to pass over, how many to look at.
local XRAY, USER = unpack(KEYS)
local first = tonumber(ARGV[2])
local ids = redis.call('ZRANGE', USER .. ARGV[1], first, first + tonumber(ARGV[3]) - 1)
local answer = {#ids}
for _, id in ipairs(ids) do
  local record = redis.call('HGET', XRAY .. id, 'r')
  if record then
    answer[#answer + 1] = record
  end
end
return answer

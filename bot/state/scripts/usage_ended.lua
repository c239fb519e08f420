-- Notes the end of an accepted request once; returns {1}, or {0} where none is open. O(1)
-- It counts for the day on which it was asked, and not for a server that was forgotten since.
-- ARGV: job id, record, then pairs of counter and amount.
local JOB, ASKED, ENDED, DAY = unpack(KEYS)
local id, record = ARGV[1], ARGV[2]
local known = redis.call('HMGET', JOB .. id, 'open', 'guild', 'day')
local guild, day = known[2], known[3]

if known[1] ~= '1' then
  return {0}
end
redis.call('HDEL', JOB .. id, 'open')

local function count(owner)
  local key = DAY .. owner .. ':' .. day
  if redis.call('EXISTS', key) == 1 then
    for i = 3, #ARGV, 2 do
      redis.call('HINCRBY', key, ARGV[i], ARGV[i + 1])
    end
  end
end

count('all')
if guild ~= '' then
  count(guild)
  local asked, ended = ASKED .. guild .. ':' .. day, ENDED .. guild .. ':' .. day
  local left_ms = redis.call('PTTL', asked)
  if left_ms > 0 then
    redis.call('XADD', ended, '*', 'r', record)
    redis.call('PEXPIRE', ended, left_ms)
  end
end
return {1}

-- Put before the scripts of usage: its keys, and what two of them do.
local JOB, ASKED, ENDED, DAY, USER = unpack(KEYS)
local DAY_MS = 86400000

-- Notes the end of an accepted request that is open. It counts for the day on which it was asked,
-- and not for a server that was forgotten since.
-- args: as of `usage_ended`.
local function note_end(args)
  local job = JOB .. args[1]
  local known = redis.call('HMGET', job, 'guild', 'day')
  local guild, day = known[1], known[2]
  redis.call('HDEL', job, 'open')

  local function count(owner)
    local key = DAY .. owner .. ':' .. day
    if redis.call('EXISTS', key) == 1 then
      for i = 3, #args, 2 do
        redis.call('HINCRBY', key, args[i], args[i + 1])
      end
    end
  end

  count('all')
  if guild ~= '' then
    count(guild)
    local asked, ended = ASKED .. guild .. ':' .. day, ENDED .. guild .. ':' .. day
    local left_ms = redis.call('PTTL', asked)
    if left_ms > 0 then
      redis.call('XADD', ended, '*', 'r', args[2])
      redis.call('PEXPIRE', ended, left_ms)
    end
  end
end

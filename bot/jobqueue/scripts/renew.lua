-- A worker's heartbeat. ARGV: worker, slots, lease_ms, margin_ms, then id, attempt for each held.
-- Returns id, reason for each job to stop, flat. O(k log n)
local worker, slots, lease_ms, margin_ms = unpack(ARGV, 1, 4)
local now = now_ms()
local gone = redis.call('ZRANGEBYSCORE', WORKERS, '-inf', now, 'LIMIT', 0, 100)
redis.call('ZREM', WORKERS, worker, unpack(gone))
redis.call('HDEL', SLOTS, worker, unpack(gone))
redis.call('ZADD', WORKERS, now + tonumber(lease_ms), worker)
redis.call('HSET', SLOTS, worker, slots)

local function reason_to_stop(id, attempt)
  if not holds(id, worker, attempt) then
    return 'lost'
  end
  redis.call('ZADD', LEASES, now + tonumber(lease_ms), id)
  local job = redis.call('HMGET', JOB .. id, 'cancel', 'verdict', 'deadline')
  if job[1] then
    return 'cancelled'
  end
  if job[2] == 'run' and tonumber(job[3]) - now < tonumber(margin_ms) then
    return 'deadline'
  end
  return nil
end

local stops = {}
for i = 5, #ARGV, 2 do
  local reason = reason_to_stop(ARGV[i], ARGV[i + 1])
  if reason then
    stops[#stops + 1] = ARGV[i]
    stops[#stops + 1] = reason
  end
end
return stops

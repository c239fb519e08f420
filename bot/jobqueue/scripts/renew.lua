-- A worker's heartbeat. ARGV: caps, worker, slots, lease_ms, margin_ms, card, then id, attempt for
-- each held. Returns 1 if the worker is to leave, else 0; then id, reason for each job to stop,
-- flat. O(k log n)
local worker, slots, lease_ms, margin_ms, card = unpack(ARGV, 3, 7)
local now = now_ms()
local gone = redis.call('ZRANGEBYSCORE', WORKERS, '-inf', now, 'LIMIT', 0, 100)
redis.call('ZREM', WORKERS, worker, unpack(gone))
redis.call('HDEL', SLOTS, worker, unpack(gone))
redis.call('HDEL', CARDS, worker, unpack(gone))
if #gone > 0 then
  redis.call('SREM', DRAINS, unpack(gone))
end
local is_drained = redis.call('SISMEMBER', DRAINS, worker)
redis.call('ZADD', WORKERS, now + tonumber(lease_ms), worker)
redis.call('HSET', SLOTS, worker, is_drained == 1 and 0 or slots)
redis.call('HSET', CARDS, worker, card)

local function reason_to_stop(id, attempt)
  if not holds(id, worker, attempt) then
    return 'lost'
  end
  redis.call('ZADD', LEASES, now + tonumber(lease_ms), redis.call('HGET', JOB .. id, 'member'))
  local job = redis.call('HMGET', JOB .. id, 'cancel', 'verdict', 'deadline')
  if job[1] then
    return 'cancelled'
  end
  if job[2] == 'run' and tonumber(job[3]) - now < tonumber(margin_ms) then
    return 'deadline'
  end
  return nil
end

local reply = { is_drained }
for i = 8, #ARGV, 2 do
  local reason = reason_to_stop(ARGV[i], ARGV[i + 1])
  if reason then
    reply[#reply + 1] = ARGV[i]
    reply[#reply + 1] = reason
  end
end
return reply

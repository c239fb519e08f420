-- Returns worker, ms to the end of its heartbeat, slots, card, 1 if it is to leave; flat, by name.
local now = now_ms()
local reply = {}
local workers = redis.call('ZRANGEBYSCORE', WORKERS, '(' .. now, '+inf')
table.sort(workers)
for _, worker in ipairs(workers) do
  reply[#reply + 1] = worker
  reply[#reply + 1] = tonumber(redis.call('ZSCORE', WORKERS, worker)) - now
  reply[#reply + 1] = redis.call('HGET', SLOTS, worker) or 0
  reply[#reply + 1] = redis.call('HGET', CARDS, worker) or ''
  reply[#reply + 1] = redis.call('SISMEMBER', DRAINS, worker)
end
return reply

-- Returns how many jobs wait, how many run, and the slots of the live workers together.
local slots = 0
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', WORKERS, '(' .. now_ms(), '+inf')) do
  slots = slots + tonumber(redis.call('HGET', SLOTS, worker) or 0)
end
return { redis.call('ZCARD', READY), redis.call('ZCARD', LEASES), slots }

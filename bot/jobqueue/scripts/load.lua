-- Returns how many jobs wait, how many run, and the slots of the live workers together.
local queued = queued_at('', 'i') + queued_at('', 'b') + redis.call('ZCARD', FRONT)
return { queued, redis.call('ZCARD', LEASES), live_slots(now_ms()) }

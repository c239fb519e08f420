-- Returns how many jobs wait, how many run, and the slots of the live workers together.
local queued = count('n', '', 'i') + count('n', '', 'b') + redis.call('ZCARD', FRONT)
return { queued, redis.call('ZCARD', LEASES), live_slots(now_ms()) }

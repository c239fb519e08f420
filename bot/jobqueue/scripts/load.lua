-- Returns how many jobs wait, how many run, and the slots of the live workers together.
local queued = in_line() + redis.call('ZCARD', FRONT)
return { queued, redis.call('ZCARD', LEASES), live_slots(now_ms()) }

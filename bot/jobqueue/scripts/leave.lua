-- Ends a worker's heartbeat. ARGV: caps, worker.
local worker = ARGV[3]
redis.call('ZREM', WORKERS, worker)
redis.call('HDEL', SLOTS, worker)
redis.call('HDEL', CARDS, worker)
redis.call('SREM', DRAINS, worker)
return {}

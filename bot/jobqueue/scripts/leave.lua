-- Ends a worker's heartbeat. ARGV: worker.
redis.call('ZREM', WORKERS, ARGV[1])
redis.call('HDEL', SLOTS, ARGV[1])
return {}

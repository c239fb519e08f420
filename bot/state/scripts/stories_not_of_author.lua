-- A user is no author of a story any more. ARGV: user, id. O(log stories)
redis.call('ZREM', AUTHOR .. ARGV[1], ARGV[2])
redis.call('SREM', WRITERS .. ARGV[2], ARGV[1])
return {1}

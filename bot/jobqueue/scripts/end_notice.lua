-- Takes the announcement of an edit back. ARGV: caps, id.
redis.call('HDEL', JOB .. ARGV[3], 'notice')
return {}

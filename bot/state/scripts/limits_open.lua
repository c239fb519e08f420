-- Jobs that were charged and not settled, oldest first. ARGV: at least so old (ms), offset, count.
local OPEN = KEYS[5]
return redis.call('ZRANGEBYSCORE', OPEN, '-inf', now_ms() - tonumber(ARGV[1]),
  'LIMIT', ARGV[2], ARGV[3])

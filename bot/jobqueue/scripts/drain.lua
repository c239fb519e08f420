-- Tells a worker to leave. ARGV: caps, worker. Returns 1, or 0 when no such worker lives.
local worker = ARGV[3]
local until_ms = redis.call('ZSCORE', WORKERS, worker)
if not until_ms or tonumber(until_ms) <= now_ms() then
  return { 0 }
end
redis.call('HDEL', SLOTS, worker)
redis.call('SADD', DRAINS, worker)
return { 1 }

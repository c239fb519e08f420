-- A worker serves a model, whose queue has done what the host decided in a revision. Returns {1};
-- or, where that is not the newest one, {0} and all fields of CONTROLS: do that first.
-- ARGV: model, revision, for how long a silent model is known (ms). O(log n)
local model, revision, keep_ms = unpack(ARGV)
local now = now_ms()
redis.call('ZREMRANGEBYSCORE', SEEN, '-inf', now - tonumber(keep_ms))
if revision ~= (redis.call('HGET', CONTROLS, 'rev') or '0') then
  return { 0, unpack(redis.call('HGETALL', CONTROLS)) }
end
redis.call('ZADD', SEEN, now, model)
return { 1 }

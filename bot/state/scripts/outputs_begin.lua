-- A job is about to write a new version of a reply. ARGV: root, job, lease_ms. Returns the job that
-- is at it: this one, or another. O(1)
local at_it = redis.call('GET', WRITING .. ARGV[1])
if at_it and at_it ~= ARGV[2] then
  return {at_it}
end
redis.call('SET', WRITING .. ARGV[1], ARGV[2], 'PX', ARGV[3])
return {ARGV[2]}

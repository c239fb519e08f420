-- Puts jobs with expired leases back. ARGV: caps, n, max_farewells, keep_ms, max_letters.
-- Returns how many leases had expired, then the ids of those that ended for good. O(n log n)
local n, max_farewells, keep_ms, max_letters = unpack(ARGV, 3)
local expired = redis.call('ZRANGEBYSCORE', LEASES, '-inf', now_ms(), 'LIMIT', 0, n)
local reply = { #expired }
for _, member in ipairs(expired) do
  local job = job_of(member)
  leave_lease(job)
  if not after_failure(job, max_farewells, keep_ms, max_letters) then
    reply[#reply + 1] = job.id
  end
end
return reply

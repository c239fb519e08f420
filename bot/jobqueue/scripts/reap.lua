-- Puts jobs with expired leases back. ARGV: n, max_farewells, keep_ms, max_letters.
-- Returns how many were put back, and how many leases had expired. O(n log n)
local n, max_farewells, keep_ms, max_letters = unpack(ARGV)
redis.call('ZREMRANGEBYSCORE', FINISH_TAGS, '-inf', virtual_time())
local expired = redis.call('ZRANGEBYSCORE', LEASES, '-inf', now_ms(), 'LIMIT', 0, n)
local returned = 0
for _, id in ipairs(expired) do
  redis.call('ZREM', LEASES, id)
  returned = returned + after_failure(id, max_farewells, keep_ms, max_letters)
end
return { returned, #expired }

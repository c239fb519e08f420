-- Puts jobs with expired leases back. ARGV: n, max_farewells, keep_ms, max_letters.
-- Returns how many were put back, and how many leases had expired. O(n log n)
local n, max_farewells, keep_ms, max_letters = unpack(ARGV)
redis.call('ZREMRANGEBYSCORE', FINISH_TAGS, '-inf', virtual_time())
local expired = redis.call('ZRANGEBYSCORE', LEASES, '-inf', now_ms(), 'LIMIT', 0, n)
local returned = 0
for _, id in ipairs(expired) do
  redis.call('ZREM', LEASES, id)
  local farewells = redis.call('HGET', JOB .. id, 'farewells')
  if not farewells then
    dead_letter(id, 0, 'its record was lost', max_letters)
  elseif tonumber(farewells) >= tonumber(max_farewells) then
    dead_letter(id, attempt_of(id), 'its asker could not be told that it failed', max_letters)
    end_job(id, 'dead', keep_ms)
  else
    put_back(id)
    returned = returned + 1
  end
end
return { returned, #expired }

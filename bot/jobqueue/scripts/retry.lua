-- Gives a job back after an attempt that failed; it counts. ARGV: worker, id, attempt,
-- max_farewells, keep_ms, max_letters. Returns 1, or 0 when the job is not this worker's (also
-- when the same call comes twice: then the first one did it).
local worker, id, attempt, max_farewells, keep_ms, max_letters = unpack(ARGV)
if not holds(id, worker, attempt) then
  return { 0 }
end
redis.call('ZREM', LEASES, id)
after_failure(id, max_farewells, keep_ms, max_letters)
return { 1 }

-- Gives a job back after an attempt that failed; it counts. ARGV: caps, worker, id, attempt,
-- max_farewells, keep_ms, max_letters. Returns 1, or 0 when the job is not this worker's (also
-- when the same call comes twice: then the first one did it).
local worker, id, attempt, max_farewells, keep_ms, max_letters = unpack(ARGV, 3)
if not holds(id, worker, attempt) then
  return { 0 }
end
local job = find_job(id)
leave_lease(job)
after_failure(job, max_farewells, keep_ms, max_letters)
return { 1 }

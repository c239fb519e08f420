-- Gives jobs back as if they had not been claimed. ARGV: caps, worker, then id, attempt for each.
local worker = ARGV[3]
for i = 4, #ARGV, 2 do
  local id, attempt = ARGV[i], ARGV[i + 1]
  if holds(id, worker, attempt) then
    local job = find_job(id)
    leave_lease(job)
    local counter = redis.call('HGET', JOB .. id, 'verdict') == 'run' and 'runs' or 'farewells'
    redis.call('HINCRBY', JOB .. id, counter, -1)
    put_back(job)
  end
end
return {}

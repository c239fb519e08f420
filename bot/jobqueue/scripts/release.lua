-- Gives jobs back as if they had not been claimed. ARGV: worker, then id, attempt for each.
local worker = ARGV[1]
for i = 2, #ARGV, 2 do
  local id, attempt = ARGV[i], ARGV[i + 1]
  if holds(id, worker, attempt) then
    redis.call('ZREM', LEASES, id)
    local counter = redis.call('HGET', JOB .. id, 'verdict') == 'run' and 'runs' or 'farewells'
    redis.call('HINCRBY', JOB .. id, counter, -1)
    put_back(id)
  end
end
return {}

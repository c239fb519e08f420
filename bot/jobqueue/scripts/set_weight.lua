-- Sets a tenant's weight; 1 needs no entry. ARGV: caps, tenant, weight.
redis.call('HDEL', WEIGHTS, ARGV[3])
if tonumber(ARGV[4]) ~= 1 then
  redis.call('HSET', WEIGHTS, ARGV[3], ARGV[4])
end
return {}

-- Takes a user out of all tables. ARGV: user. Returns how many those were. O(tables)
local user = ARGV[1]
local names = redis.call('SMEMBERS', TABLES .. user)
for _, name in ipairs(names) do
  for _, what in ipairs({'name', 'points', 'brier', 'bits', 'n_points', 'n_brier', 'n_bits'}) do
    redis.call('HDEL', TABLE .. name, user .. ':' .. what)
  end
end
redis.call('DEL', TABLES .. user)
return {#names}

-- Removes a server's tables. ARGV: "g<id>". Returns how many there were. O(players)
local names = redis.call('SMEMBERS', TABLES .. ARGV[1])
for _, name in ipairs(names) do
  for _, field in ipairs(redis.call('HKEYS', TABLE .. name)) do
    local user = string.match(field, '^(%d+):name$')
    if user then
      redis.call('SREM', TABLES .. user, name)
    end
  end
  redis.call('UNLINK', TABLE .. name)
end
redis.call('DEL', TABLES .. ARGV[1])
return {#names}

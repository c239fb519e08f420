-- A user's own buckets that are not whole. ARGV: user. Returns key and TAT of each. O(buckets)
local reply = {}
for _, key in ipairs(redis.call('ZRANGE', KEYS[6] .. ARGV[1], 0, -1)) do
  local tat = redis.call('GET', KEYS[1] .. key)
  if tat then
    table.insert(reply, key)
    table.insert(reply, tat)
  end
end
return reply

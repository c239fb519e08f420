-- Removes the other candidates of a text's job. ARGV: root, code. Returns {1}, or {0} where there
-- is no such text in this reply. O(versions)
local root, code = ARGV[1], ARGV[2]
local known = redis.call('HMGET', TEXT .. code, 'root', 'job')
if known[1] ~= root then
  return {0}
end
for _, other in ipairs(redis.call('ZRANGE', REPLY .. root, 0, -1)) do
  if other ~= code and redis.call('HGET', TEXT .. other, 'job') == known[2] then
    remove(other)
  end
end
return {1}

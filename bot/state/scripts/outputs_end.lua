-- A job won't write a version (any more). ARGV: root, job. O(1)
if redis.call('GET', WRITING .. ARGV[1]) == ARGV[2] then
  redis.call('DEL', WRITING .. ARGV[1])
end
return {1}

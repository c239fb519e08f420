-- How full buckets are. ARGV: their keys. Returns now, then the TAT of each; 0 = whole. O(buckets)
local reply = { string.format('%.3f', now_ms()) }
for _, key in ipairs(ARGV) do
  table.insert(reply, redis.call('GET', KEYS[1] .. key) or '0')
end
return reply

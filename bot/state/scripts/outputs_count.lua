-- How many texts an owner has, and when the last of them goes (ms). ARGV: owner. O(log texts)
local now = now_ms()
local last = redis.call('ZRANGE', OF .. ARGV[1], -1, -1, 'WITHSCORES')
local count = redis.call('ZCOUNT', OF .. ARGV[1], '(' .. string.format('%.0f', now), '+inf')
return {count, string.format('%.0f', tonumber(last[2] or 0))}

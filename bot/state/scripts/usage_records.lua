-- Some records of a stream: {id of the last one, or '' at the end, and a line for each: its id, a
-- space, the record}. One text, because it is read many times faster than a list. O(records)
-- ARGV: 'asked' or 'ended', server, number of the day, id of the last one before, how many.
local stream = (ARGV[1] == 'asked' and ASKED or ENDED) .. ARGV[2] .. ':' .. ARGV[3]
local entries = redis.call('XRANGE', stream, '(' .. ARGV[4], '+', 'COUNT', ARGV[5])
local lines = {}
for i, entry in ipairs(entries) do
  lines[i] = entry[1] .. ' ' .. entry[2][2]
end
local is_all = #entries < tonumber(ARGV[5])
return {is_all and '' or entries[#entries][1], table.concat(lines, '\n')}

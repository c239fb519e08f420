-- The newest reports: their records. O(count + those that are gone)
-- ARGV: how many.
local REPORT, ALL = unpack(KEYS)
local found = {}
local at, batch = 0, tonumber(ARGV[1])
while #found < batch do
  local ids = redis.call('ZREVRANGE', ALL, at, at + batch - 1)
  if #ids == 0 then
    break
  end
  at = at + #ids
  for _, id in ipairs(ids) do
    local record = redis.call('GET', REPORT .. id)
    if record and #found < batch then
      found[#found + 1] = record
    end
  end
end
return found

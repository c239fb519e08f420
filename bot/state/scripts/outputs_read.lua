-- The records of those texts that are there. ARGV: codes. O(codes)
local records = {}
for _, code in ipairs(ARGV) do
  local json = redis.call('HGET', TEXT .. code, 'json')
  if json then
    records[#records + 1] = json
  end
end
return records

-- Returns user, jobs in line, jobs served and not ended, for each of a tenant's users; flat, a user
-- comes up to four times. ARGV: caps, tenant. O(users of the tenant)
local reply = {}

local function tell(user, queued, running)
  for _, value in ipairs({ user, queued, running }) do
    reply[#reply + 1] = value
  end
end

for _, class in ipairs({ 'i', 'b' }) do
  local node = class .. ':' .. ARGV[3]
  local lines = redis.call('HGETALL', LINE .. node)
  for i = 1, #lines, 2 do
    local queued = unpacked(lines[i + 1])
    tell(lines[i], queued, 0)
  end
  local fields = redis.call('HGETALL', NODE .. node)
  for i = 1, #fields, 2 do
    local user = string.match(fields[i], '^r:(.*)$')
    if user then
      tell(user, 0, fields[i + 1])
    end
  end
end
return reply

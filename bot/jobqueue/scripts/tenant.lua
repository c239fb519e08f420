-- Returns user, jobs in line, jobs served and not ended, for each of a tenant's users; flat, of
-- both classes apart. ARGV: caps, tenant. O(users of the tenant)
local reply = {}
for _, class in ipairs({ 'i', 'b' }) do
  local node = class .. ':' .. ARGV[3]
  for _, field in ipairs(redis.call('HKEYS', NODE .. node)) do
    local kind, user = string.match(field, '^([nr]):(.*)$')
    if kind then
      local n = count(kind, node, user)
      reply[#reply + 1] = user
      reply[#reply + 1] = kind == 'n' and n or 0
      reply[#reply + 1] = kind == 'r' and n or 0
    end
  end
end
return reply

-- Stops up to n waiting jobs of a tenant. ARGV: caps, tenant, n, keep_ms. Returns how many.
-- O(n log n + front + users of the tenant)
local tenant, n, keep_ms = unpack(ARGV, 3)
n = tonumber(n)
local stopped = 0

local function stop(members)
  for _, member in ipairs(members) do
    local job = job_of(member)
    if job.tenant == tenant and stopped < n then
      stop_waiting(job, keep_ms)
      stopped = stopped + 1
    end
  end
end

stop(redis.call('ZRANGE', FRONT, 0, -1))
for _, class in ipairs({ 'i', 'b' }) do
  local path = class .. ':' .. tenant
  for _, user in ipairs(redis.call('HKEYS', LINE .. path)) do
    if stopped < n then
      stop(redis.call('ZRANGE', FIFO .. path .. ':' .. user, 0, n - stopped - 1))
    end
  end
end
return { stopped }

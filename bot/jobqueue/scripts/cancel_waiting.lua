-- Stops up to n waiting jobs, of a tenant or of a user in all tenants. ARGV: caps, tenant or '',
-- user or '', n, keep_ms, call (which names this call, so that trying it again says the same).
-- Returns id, payload, notice (ms that an edit by somebody else may still take) of each, flat.
-- Of a tenant O(n log n + front + users of the tenant), of a user O(n log n + all waiting jobs).
local tenant, user, n, keep_ms, call = unpack(ARGV, 3)
n = tonumber(n)
local SAID, SAID_MS = POOL .. 'stopped:' .. call, 60000
local reply, now, stopped = redis.call('LRANGE', SAID, 0, -1), now_ms(), 0
if #reply > 0 then
  return reply
end

local function stop(members)
  for _, member in ipairs(members) do
    local job = job_of(member)
    if stopped < n and (job.tenant == tenant or job.user == user) then
      local record = redis.call('HMGET', JOB .. job.id, 'payload', 'notice')
      stop_waiting(job, keep_ms)
      stopped = stopped + 1
      reply[#reply + 1] = job.id
      reply[#reply + 1] = record[1] or ''
      reply[#reply + 1] = math.max(0, tonumber(record[2] or 0) - now)
    end
  end
end

if user ~= '' then
  stop(redis.call('ZRANGE', DEADLINES, 0, -1))
else
  stop(redis.call('ZRANGE', FRONT, 0, -1))
  for _, class in ipairs({ 'i', 'b' }) do
    local path = class .. ':' .. tenant
    for _, child in ipairs(redis.call('HKEYS', LINE .. path)) do
      if stopped < n then
        stop(redis.call('ZRANGE', FIFO .. path .. ':' .. child, 0, n - stopped - 1))
      end
    end
  end
end
for i = #reply, 1, -1 do
  redis.call('LPUSH', SAID, reply[i])
end
redis.call('PEXPIRE', SAID, SAID_MS)
return reply

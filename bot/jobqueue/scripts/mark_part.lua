-- Notes a follow-up message. ARGV: caps, worker, id, attempt, part, sent (0 = about to be posted).
-- Returns 1, or 0 when the job is not this worker's.
local worker, id, attempt, part, sent = unpack(ARGV, 3)
if not holds(id, worker, attempt) then
  return { 0 }
end
redis.call('HDEL', JOB .. id, 'sending')
redis.call('HSET', JOB .. id, sent == '1' and 'sent' or 'sending', part)
return { 1 }

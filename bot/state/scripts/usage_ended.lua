-- Notes the end of an accepted request once; returns {1}, or {0} where none is open. O(1)
-- A text may be over before its request is noted: then the end waits for that.
-- ARGV: job id, record, then pairs of counter and amount.
local EARLY_MS = 600000  -- a request is noted in the moment in which its job is put
local job = JOB .. ARGV[1]
if redis.call('EXISTS', job) == 0 then
  redis.call('HDEL', job, 'open')
  redis.call('HSET', job, 'early', cjson.encode(ARGV))
  redis.call('PEXPIRE', job, EARLY_MS)
  return {0}
end
if redis.call('HGET', job, 'open') ~= '1' then
  return {0}
end
note_end(ARGV)
return {1}

-- A story after a move. ARGV: id, keep_ms, revision, owner, channel ('' where it ended), head,
-- due_ms or '', authors with commas between, summary, json, then number and text of each passage.
-- Returns "done", "conflict", "occupied" or "gone". O(passages that are new or changed)
local id, keep, channel = ARGV[1], tonumber(ARGV[2]), ARGV[5]
local revision = redis.call('HGET', STORY .. id, 'revision')
if not revision then
  return {'gone'}
end
if revision ~= ARGV[3] then
  return {'conflict'}
end
if channel ~= '' and is_occupied(channel, id) then
  return {'occupied'}
end
if redis.call('HGET', STORY .. id, 'channel') ~= channel then
  leave_channel(id)
end
local owner = redis.call('HGET', STORY .. id, 'owner')
if owner ~= ARGV[4] then  -- it has moved to another server, or its owner was forgotten
  redis.call('ZREM', OF .. owner, id)
end
redis.call('HSET', STORY .. id, 'json', ARGV[10], 'revision', revision + 1, 'head', ARGV[6],
  'owner', ARGV[4], 'channel', channel, 'summary', ARGV[9])
keep_passages(id, 11, (#ARGV - 10) / 2)
keep_until(id, channel, ARGV[4], ARGV[8], keep, now_ms())
set_due(id, ARGV[7])
return {'done'}

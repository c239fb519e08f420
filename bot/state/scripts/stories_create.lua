-- A new story. ARGV: id, keep_ms, most, owner, channel ('' where it ended), head, due_ms or '',
-- authors with commas between, summary, json, then number and text of each passage. Returns
-- "done", "occupied" or "full". O(passages)
local id, keep, most, owner, channel = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local now = now_ms()
if redis.call('EXISTS', STORY .. id) == 1 then
  return {'done'}
end
if channel ~= '' and is_occupied(channel, id) then
  return {'occupied'}
end
if redis.call('ZCOUNT', OF .. owner, '(' .. whole(now), '+inf') >= most then
  return {'full'}
end
redis.call('HSET', STORY .. id, 'json', ARGV[10], 'revision', 1, 'head', ARGV[6], 'owner', owner,
  'channel', channel, 'summary', ARGV[9])
keep_passages(id, 11, (#ARGV - 10) / 2)
keep_until(id, channel, owner, ARGV[8], keep, now)
set_due(id, ARGV[7])
return {'done'}

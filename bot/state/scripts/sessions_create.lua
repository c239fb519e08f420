-- A new game. ARGV: id, json, channel, due_ms or '', lifetime_ms. Returns "done" or "occupied".
local id, channel = ARGV[1], ARGV[3]
if redis.call('EXISTS', GAME .. id) == 1 then
  return {'done'}
end
if channel ~= '' and is_occupied(channel, id) then
  return {'occupied'}
end
keep(id, 1, ARGV[2], channel, ARGV[4], tonumber(ARGV[5]))
return {'done'}

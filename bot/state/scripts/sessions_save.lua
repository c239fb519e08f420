-- A game after a move, and the results of one that has just ended. ARGV: id, json, channel, due_ms
-- or '', lifetime_ms, revision, table ('' where nothing is added), then of each player: user, name,
-- points, Brier score or '', bits or ''. Returns "done", "conflict", "occupied" or "gone".
-- O(players + log games)
local id, channel, table_name = ARGV[1], ARGV[3], ARGV[7]
local revision = redis.call('HGET', GAME .. id, 'revision')
if not revision then
  return {'gone'}
end
if revision ~= ARGV[6] then
  return {'conflict'}
end
if channel ~= '' and is_occupied(channel, id) then
  return {'occupied'}
end
keep(id, revision + 1, ARGV[2], channel, ARGV[4], tonumber(ARGV[5]))
for i = 8, #ARGV, 5 do
  local user = ARGV[i]
  local function add(what, value)
    if value ~= '' then
      redis.call('HINCRBYFLOAT', TABLE .. table_name, user .. ':' .. what, value)
      redis.call('HINCRBY', TABLE .. table_name, user .. ':n_' .. what, 1)
    end
  end
  redis.call('HSET', TABLE .. table_name, user .. ':name', ARGV[i + 1])
  add('points', ARGV[i + 2])
  add('brier', ARGV[i + 3])
  add('bits', ARGV[i + 4])
  redis.call('SADD', TABLES .. user, table_name)
end
if table_name ~= '' and #ARGV > 7 then
  redis.call('SADD', TABLES .. string.match(table_name, '^[^:]+'), table_name)
end
return {'done'}

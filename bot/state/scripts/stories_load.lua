-- A story, its newest passages, and some more with their parents. ARGV: id, characters, passages
-- at most, numbers. Returns {} or json, revision, then the passages' texts.
-- A stored passage is "<parent>:<offset>:<json>", so that a path is walked without reading JSON.
-- O(passages returned), however large the tree is
local id, window, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local story = redis.call('HMGET', STORY .. id, 'json', 'revision', 'head')
if not story[1] then
  return {}
end
local result, seen = {story[1], story[2]}, {}
local function take(number)
  local text = redis.call('HGET', TREE .. id, number)
  if not text then
    return nil
  end
  local parent, offset = string.match(text, '^(%d+):(%d+):')
  if not seen[number] then
    seen[number] = true
    result[#result + 1] = text
  end
  return parent, tonumber(offset)
end
local parent, last = take(story[3])
local count, offset = 1, last
while parent and parent ~= '0' and count < most and (count < 3 or last - offset < window) do
  parent, offset = take(parent)
  count = count + 1
end
for i = 4, #ARGV do
  local above = take(ARGV[i])
  if above then
    take(above)
  end
end
return result

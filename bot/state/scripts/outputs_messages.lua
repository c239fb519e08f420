-- Notes messages of a text, each once. ARGV: code, ids. O(ids)
local code = ARGV[1]
if redis.call('EXISTS', TEXT .. code) == 0 then
  return {0}
end
local noted = redis.call('HGET', TEXT .. code, 'more') or ''
for i = 2, #ARGV do
  if not string.find(',' .. noted .. ',', ',' .. ARGV[i] .. ',', 1, true) then
    noted = noted == '' and ARGV[i] or noted .. ',' .. ARGV[i]
  end
end
if noted ~= '' then
  redis.call('HSET', TEXT .. code, 'more', noted)
end
return {1}

-- Sets a server's rules if nobody else did in the meantime, and logs it. ARGV: guild, expected
-- revision, rules, by whom, the revision that this undoes (0 = none), call (which names this call,
-- so that trying it again changes nothing), how many log entries are kept.
-- Returns 1, or 0 where the revision is another one. O(1)
-- Rules pass through as text: Lua's numbers can't hold Discord's ids.
local RULES, LOG = KEYS[3], KEYS[4]
local guild, expected, rules, by, undoes, call, max_log = unpack(ARGV)
local stored = redis.call('HMGET', RULES .. guild, 'revision', 'rules', 'call')
local revision = tonumber(stored[1] or 0)
if stored[3] == call then
  return { 1 }
end
if revision ~= tonumber(expected) then
  return { 0 }
end
redis.call('HSET', RULES .. guild, 'revision', revision + 1, 'rules', rules, 'call', call)
redis.call('LPUSH', LOG .. guild, cjson.encode({
  v = 1, revision = revision + 1, at_ms = string.format('%.0f', now_ms()), by = by,
  undoes = tonumber(undoes), before = stored[2] or '', after = rules,
}))
redis.call('LTRIM', LOG .. guild, 0, tonumber(max_log) - 1)
return { 1 }

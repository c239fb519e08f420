-- Put before every script of stories, behind common.lua.
local STORY, TREE, CHANNEL, OF, DUE, AUTHOR, WRITERS = unpack(KEYS)
local DAY_MS = 86400000
local CLEANED = 50  -- entries that an index forgets whenever one is added

-- Numbers of this size would lose digits in Lua's own way of writing them.
local function whole(n)
  return string.format('%.0f', n)
end

-- Forgets stories whose time is over. O(n log entries)
local function clean(index, now)
  local over = redis.call('ZRANGEBYSCORE', index, '-inf', now, 'LIMIT', 0, CLEANED)
  if #over > 0 then
    redis.call('ZREM', index, unpack(over))
  end
end

-- An index lives as long as the last of what it knows. GT is not in Redis 6.2.
local function index(name, id, at, now)
  clean(name, now)
  redis.call('ZADD', name, whole(at), id)
  if redis.call('PTTL', name) < at - now then
    redis.call('PEXPIREAT', name, whole(at))
  end
end

-- Keeps passages: pairs of number and text from `first` on, as many as `count` says. O(passages)
local function keep_passages(id, first, count)
  for i = first, first + 2 * count - 1, 2 do
    redis.call('HSET', TREE .. id, ARGV[i], ARGV[i + 1])
  end
end

-- Whether another story that still exists is played in a channel.
local function is_occupied(channel, id)
  local other = redis.call('GET', CHANNEL .. channel)
  return other and other ~= id and redis.call('EXISTS', STORY .. other) == 1
end

-- A user's index outlives the story's time by a day, since it is not renewed at every move.
local function index_author(author, id, keep, now)
  index(AUTHOR .. author, id, now + keep + 2 * DAY_MS, now)
end

-- New authors are indexed at once; all of them, who may have left long ago, once a day. O(authors)
local function keep_authors(id, authors, keep, now)
  for author in string.gmatch(authors, '[^,]+') do
    if redis.call('SADD', WRITERS .. id, author) == 1 then
      index_author(author, id, keep, now)
    end
  end
  local renewed = redis.call('HGET', STORY .. id, 'renewed')
  if not renewed or now - renewed > DAY_MS then
    redis.call('HSET', STORY .. id, 'renewed', whole(now))
    for _, author in ipairs(redis.call('SMEMBERS', WRITERS .. id)) do
      index_author(author, id, keep, now)
    end
  end
end

-- Moves the end of a story's time, and of all that belongs to it.
local function keep_until(id, channel, owner, authors, keep, now)
  keep_authors(id, authors, keep, now)
  for _, key in ipairs({STORY .. id, TREE .. id, WRITERS .. id}) do
    redis.call('PEXPIRE', key, keep)
  end
  if channel ~= '' then
    redis.call('SET', CHANNEL .. channel, id, 'PX', keep)
  end
  index(OF .. owner, id, now + keep, now)
end

local function set_due(id, due)
  if due == '' then
    redis.call('ZREM', DUE, id)
  else
    redis.call('ZADD', DUE, due, id)
  end
end

-- Frees the channel that a story was played in.
local function leave_channel(id)
  local channel = redis.call('HGET', STORY .. id, 'channel')
  if channel and channel ~= '' and redis.call('GET', CHANNEL .. channel) == id then
    redis.call('DEL', CHANNEL .. channel)
  end
end

-- Removes a story and all that knows of it, its authors' indexes excepted, which forget it with
-- time. Returns 1, or 0 where there was none.
local function remove(id)
  local owner = redis.call('HGET', STORY .. id, 'owner')
  if not owner then
    return 0
  end
  leave_channel(id)
  redis.call('ZREM', OF .. owner, id)
  redis.call('ZREM', DUE, id)
  redis.call('UNLINK', STORY .. id, TREE .. id, WRITERS .. id)
  return 1
end

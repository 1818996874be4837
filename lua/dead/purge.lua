-- dead/purge: deletes letters that are kept in the queue's own store: some by id, or all. Letters in the outbox stay.
--
-- KEYS
--   meta dead
-- ARGV
--   id...  id?  -  1 to 250 ids in the store; '' alone = all of them
-- REPLY
--   how many letters went
-- ERRORS
--   BADARG TOOLARGE NEWERSCHEMA
-- COST
--   O(ids); O(1) for all, whose memory is freed in the background
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   safe with id
--   0, or less than the first; of all, how many went this time: a late repeat takes what died between
if #KEYS ~= 2 or #ARGV < 1 then return redis.error_reply('BADARG call: wants 2 keys and at least 1 argument') end
local META, DEAD = unpack(KEYS)
-- {{{ lib/types
-- A key of another type is noticed before the first write: nil, or the refusal.
local function mistyped()
  local types = {
    log = 'stream', outbox = 'stream', dead = 'stream', claims = 'zset', returned = 'zset', delayed = 'zset',
    expiry = 'zset', flavor_names = 'zset', catalogue_names = 'zset', topic_catalogue_names = 'zset',
    subscription_ids = 'zset', subscription_expiry = 'zset',
  }
  for _, key in ipairs(KEYS) do
    local found = redis.call('TYPE', key).ok
    local part = found ~= 'none' and (string.match(key, '^.*:(.*)$') or key)
    if part and found ~= (types[part] or 'hash') then
      return redis.error_reply('BADARG ' .. part .. ': holds a ' .. found)
    end
  end
end
-- }}}
-- {{{ lib/padded
-- An id as text that sorts as the log does; XRANGE takes it too. nil where it is no id that a log hands out.
local function padded(id)
  local ms, seq = string.match(id, '^(%d+)%-(%d+)$')
  if not ms or #ms > 15 or #seq > 16 then return nil end
  return string.rep('0', 15 - #ms) .. ms .. '-' .. string.rep('0', 16 - #seq) .. seq
end
-- }}}
-- {{{ lib/last_id
-- The last id that a stream has given, deleted or not; 0-0 where there was none.
local function last_id(stream)
  local info = redis.call('EXISTS', stream) == 1 and redis.call('XINFO', 'STREAM', stream) or {}
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
  return '0-0'
end
-- }}}
-- {{{ lib/start_stream
-- An empty stream that goes on after an id. A group is the way to make a stream without an entry.
local function start_stream(key, after)
  if after == '0-0' then return end
  redis.call('XGROUP', 'CREATE', key, 'start', '$', 'MKSTREAM')
  redis.call('XGROUP', 'DESTROY', key, 'start')
  redis.call('XSETID', key, after)
end
-- }}}
if #ARGV > 250 then return redis.error_reply('TOOLARGE ids: ' .. #ARGV .. ', at most 250') end
local all = #ARGV == 1 and ARGV[1] == ''
for i = 1, all and 0 or #ARGV do
  if not padded(ARGV[i]) then return redis.error_reply("BADARG id: wants ids of letters, or '' alone") end
end
local wrong = mistyped()
if wrong then return wrong end
local meta = redis.call('HMGET', META, 'schema')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
if not meta[1] then return 0 end
if not all then return redis.call('XDEL', DEAD, unpack(ARGV)) end
local count, last = redis.call('XLEN', DEAD), last_id(DEAD)
redis.call('UNLINK', DEAD)
start_stream(DEAD, last)
return count

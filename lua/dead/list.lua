-- dead/list: letters that are kept in the queue's own store, oldest first, from a marker on. Takes nothing.
--
-- KEYS
--   meta dead
-- ARGV
--   now     integer?  ms     time since 1970; '' = the server's clock
--   marker  id?       -      begin after this id, gone or not; '' = at the oldest
--   limit   integer   count  1 to 250
-- REPLY
--   flat: now, then for each letter: its id in the store, ttl (ms, from that id on), letter; no letter = the end
-- ERRORS
--   BADARG NEWERSCHEMA
-- COST
--   O(limit), at most 4 MiB, or one letter
-- WRITES
--   no
-- MORE
--   no
-- REPEAT
--   safe
--   as it is by then
if #KEYS ~= 2 or #ARGV ~= 3 then return redis.error_reply('BADARG call: wants 2 keys and 3 arguments') end
local META, DEAD = unpack(KEYS)
local now, marker, limit = unpack(ARGV)

-- {{{ lib/whole
-- A whole number from low to high, or nil. Digits only: no sign, fraction, exponent, NaN, blank.
local function whole(text, low, high)
  local number = #text <= 16 and string.find(text, '^%d+$') and text + 0
  return number and number >= low and number <= high and number or nil
end
-- }}}
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
-- {{{ lib/clock
-- The time is read once: the caller's, or else the server's.
local micros
if now == '' then
  local time = redis.call('TIME')
  micros = time[1] * 1000000 + time[2]
  now = math.floor(micros / 1000)
else
  now = whole(now, 0, 9007199254740)
  if not now then return redis.error_reply('BADARG now: wants 0 to 9007199254740 ms, or nothing') end
  micros = now * 1000
end
-- }}}
limit = whole(limit, 1, 250)
if not limit then return redis.error_reply('BADARG limit: wants 1 to 250') end
if marker ~= '' and not padded(marker) then return redis.error_reply('BADARG marker: wants the id of a letter') end

local wrong = mistyped()
if wrong then return wrong end
local meta = redis.call('HMGET', META, 'schema', '_dead_letter_queue_messages_ttl')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
if not meta[1] then return {now} end
local dead_ttl = tonumber(meta[2]) or 1209600000
-- Those that have expired stand at the head.
local position, border = marker == '' and '-' or '(' .. marker, math.max(0, now - dead_ttl + 1) .. '-0'
if marker == '' or padded(marker) < padded(border) then position = border end
local reply, bytes, listed = {now}, 0, 0
repeat
  local entries = redis.call('XRANGE', DEAD, position, '+', 'COUNT', math.min(limit - listed, 50))
  for _, entry in ipairs(entries) do
    bytes = bytes + #entry[2][2]
    if bytes > 4194304 and listed > 0 then return reply end
    listed, position = listed + 1, '(' .. entry[1]
    for _, value in ipairs({entry[1], dead_ttl, entry[2][2]}) do reply[#reply + 1] = value end
  end
until listed == limit or #entries < 50
return reply

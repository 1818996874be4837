-- dead/get: letters that are kept in the queue's own store, by id. What is gone or malformed is left out.
--
-- KEYS
--   meta dead
-- ARGV
--   now    integer?  ms  time since 1970; '' = the server's clock
--   id...  id        -   1 to 250 ids in the store
-- REPLY
--   flat: now, then for each letter found, in the order asked: its id, ttl (ms, from that id on), letter
-- ERRORS
--   BADARG TOOLARGE NEWERSCHEMA
-- COST
--   O(ids)
-- WRITES
--   no
-- MORE
--   no
-- REPEAT
--   safe
--   as it is by then
if #KEYS ~= 2 or #ARGV < 2 then return redis.error_reply('BADARG call: wants 2 keys and at least 2 arguments') end
local META, DEAD = unpack(KEYS)
local now = ARGV[1]

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
if #ARGV > 251 then return redis.error_reply('TOOLARGE ids: ' .. #ARGV - 1 .. ', at most 250') end
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
local dead_ttl, reply = tonumber(meta[2]) or 1209600000, {now}
-- {{{ lib/kept
-- A letter of the queue's own store; nil where it is not there, or over its ttl.
local function kept(id)
  local entry = padded(id) and redis.call('XRANGE', DEAD, id, id)[1]
  if entry and entry[1] == id and string.match(id, '^%d+') + dead_ttl > now then return entry[2][2] end
end
-- }}}
for i = 2, #ARGV do
  local letter = kept(ARGV[i])
  if letter then
    for _, value in ipairs({ARGV[i], dead_ttl, letter}) do reply[#reply + 1] = value end
  end
end
return reply

-- subscription/list: the subscriptions of a queue, oldest first, from a marker on.
--
-- KEYS
--   subscriptions subscription_ids subscription_expiry
-- ARGV
--   now     integer?  ms     time since 1970; '' = the server's clock
--   marker  id?       -      begin after this id, gone or not; '' = at the oldest
--   limit   integer   count  1 to 250
-- REPLY
--   flat: state, marker, then for each subscription: id, subscriber, ttl, age, left (of its life; all in ms),
--   confirmed (1 or 0), options (a msgpack map). state: 0 = the end, 1 = looked at enough: the next call has the rest
--   of the page, 2 = the page is full (the limit, or 4 MiB); marker is where the next page begins
-- ERRORS
--   BADARG NEWERSCHEMA
-- COST
--   O(limit), and of those that have expired and were not cleared away up to 1000 are passed over; a page has 4 MiB at
--   most, one always fits
-- WRITES
--   no
-- MORE
--   no
-- REPEAT
--   safe
--   as it is by then
if #KEYS ~= 3 or #ARGV ~= 3 then return redis.error_reply('BADARG call: wants 3 keys and 3 arguments') end
local SUBSCRIPTIONS, IDS, EXPIRY = unpack(KEYS)
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
-- {{{ lib/unpadded
-- The id that a padded one stands for.
local function unpadded(member)
  return (string.gsub(member, '0*(%d+)%-0*(%d+)', '%1-%2'))
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
if marker ~= '' and not padded(marker) then return redis.error_reply('BADARG marker: wants a subscription\'s id') end
-- {{{ lib/subscription_state
-- What a later version has stored is left alone; a key of another type is noticed before the first write.
local wrong = mistyped()
if wrong then return wrong end
local schema = redis.call('HGET', SUBSCRIPTIONS, 'schema')
if schema and schema ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(schema, '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
-- {{{ lib/subscription
-- A subscription as it is stored under its id: an array of subscriber, ttl (ms), confirmed (0 or 1) and options (a
-- msgpack map, as it came). When it expires stands in `subscription_expiry` alone. nil where it is gone.
local function read_subscription(id)
  local expires = tonumber(redis.call('ZSCORE', EXPIRY, id) or nil)
  local record = expires and expires > now and redis.call('HGET', SUBSCRIPTIONS, id)
  if not record then return nil end
  local subscriber, ttl, confirmed, options = unpack(cmsgpack.unpack(record))
  return {
    id = id, subscriber = subscriber, ttl = ttl, left = expires - now, confirmed = confirmed, options = options,
  }
end
-- }}}
-- {{{ lib/described
-- As replies have it: id, subscriber, ttl, age, what is left of its life (all in ms), confirmed, options.
local function described(s)
  local age = math.max(0, now - string.match(s.id, '^%d+'))
  return s.id, s.subscriber, s.ttl, age, s.left, s.confirmed, s.options
end
-- }}}
local reply, listed, looked, bytes = {0, marker}, 0, 0, 0
local from, last, seen = marker == '' and '-' or '(' .. padded(marker), marker, marker
local count = math.max(limit + 1, 50)
repeat
  local members = redis.call('ZRANGEBYLEX', IDS, from, '+', 'LIMIT', 0, count)
  for _, member in ipairs(members) do
    seen, from = unpadded(member), '(' .. member
    local found = read_subscription(seen)
    if found then
      bytes = bytes + #found.subscriber + #found.options
      if listed == limit or listed > 0 and bytes > 4194304 then
        reply[1], reply[2] = 2, last
        return reply
      end
      listed, last = listed + 1, seen
      for _, value in ipairs({described(found)}) do reply[#reply + 1] = value end
    end
  end
  looked = looked + #members
until #members < count or looked >= 1000
reply[1], reply[2] = looked >= 1000 and 1 or 0, seen
return reply

-- subscription/delete: takes a subscription out.
--
-- KEYS
--   subscriptions subscribers subscription_ids subscription_expiry
-- ARGV
--   now  integer?  ms  time since 1970; '' = the server's clock
--   id   id        -   its id
-- REPLY
--   1 if it was there, else 0
-- ERRORS
--   BADARG NEWERSCHEMA
-- COST
--   O(1)
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   safe
--   0
if #KEYS ~= 4 or #ARGV ~= 2 then return redis.error_reply('BADARG call: wants 4 keys and 2 arguments') end
local SUBSCRIPTIONS, SUBSCRIBERS, IDS, EXPIRY = unpack(KEYS)
local now, id = unpack(ARGV)
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
-- {{{ lib/unsubscribe
-- Takes a subscription out, whether it has expired or not.
local function unsubscribe(id)
  local record = redis.call('HGET', SUBSCRIPTIONS, id)
  if not record then return end
  local subscriber = cmsgpack.unpack(record)[1]
  redis.call('HDEL', SUBSCRIPTIONS, id)
  redis.call('ZREM', EXPIRY, id)
  redis.call('ZREM', IDS, padded(id))
  if redis.call('HGET', SUBSCRIBERS, subscriber) == id then redis.call('HDEL', SUBSCRIBERS, subscriber) end
end
-- }}}
if not padded(id) then return 0 end
-- One that has expired is cleared away, but was gone already.
local was_there = read_subscription(id) and 1 or 0
unsubscribe(id)
return was_there

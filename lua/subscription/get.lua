-- subscription/get: one subscription, by its id or by its subscriber.
--
-- KEYS
--   subscriptions subscribers subscription_expiry
-- ARGV
--   now         integer?  ms  time since 1970; '' = the server's clock
--   id          id?       -   its id; '' = by the subscriber
--   subscriber  text?     -   with no id: the subscriber; may be empty then
-- REPLY
--   flat: id, subscriber, ttl, age, left (of its life; all in ms), confirmed (1 or 0), options (a msgpack map)
-- ERRORS
--   SUBSCRIPTIONGONE BADARG NEWERSCHEMA
-- COST
--   O(1)
-- WRITES
--   no
-- MORE
--   no
-- REPEAT
--   safe
--   as it is by then
if #KEYS ~= 3 or #ARGV ~= 3 then return redis.error_reply('BADARG call: wants 3 keys and 3 arguments') end
local SUBSCRIPTIONS, SUBSCRIBERS, EXPIRY = unpack(KEYS)
local now, id, subscriber = unpack(ARGV)
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
-- {{{ lib/described
-- As replies have it: id, subscriber, ttl, age, what is left of its life (all in ms), confirmed, options.
local function described(s)
  local age = math.max(0, now - string.match(s.id, '^%d+'))
  return s.id, s.subscriber, s.ttl, age, s.left, s.confirmed, s.options
end
-- }}}
-- {{{ lib/subscription_gone
-- The refusal. What is no id is not repeated: it may be a uri, with a password in it.
local function subscription_gone(id)
  local named = #id <= 32 and string.find(id, '^%d+%-%d+$') and id or 'that'
  return redis.error_reply('SUBSCRIPTIONGONE ' .. named .. ' is no subscription, or has expired')
end
-- }}}
if id == '' then id = redis.call('HGET', SUBSCRIBERS, subscriber) or '' end
local found = read_subscription(id)
if not found then return subscription_gone(id) end
return {described(found)}

-- subscription/create: subscribes somebody to a queue, whether the queue exists or not.
-- A queue has a subscriber once: called again while the subscription lives it answers that one as it is.
--
-- KEYS
--   subscriptions subscribers subscription_ids subscription_expiry
-- ARGV
--   now         integer?  ms  time since 1970; '' = the server's clock
--   subscriber  text      -   whom to tell: a uri of up to 4096 bytes without control characters
--   ttl         integer   ms  1 to 315360000000 (10 years)
--   options     bin       -   msgpack bin with a map inside, which is kept as it comes
-- REPLY
--   flat: 1 if it is new, else 0; its id
-- ERRORS
--   BADARG TOOLARGE NEWERSCHEMA
-- COST
--   O(1), and up to 100 that have expired are cleared away
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   safe
--   0 and the id: it was not new
if #KEYS ~= 4 or #ARGV ~= 4 then return redis.error_reply('BADARG call: wants 4 keys and 4 arguments') end
local SUBSCRIPTIONS, SUBSCRIBERS, IDS, EXPIRY = unpack(KEYS)
local now, subscriber, ttl, options = unpack(ARGV)

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
-- {{{ lib/bin_length
-- How many bytes the msgpack bin holds that a text is from `at` on, and where these begin; nil where that is no bin, or
-- an empty or cut one.
local function bin_length(text, at)
  local kind, a, b, c, d = string.byte(text, at, at + 4)
  local head = kind == 196 and 2 or kind == 197 and 3 or kind == 198 and 5
  local length = head == 2 and a or head == 3 and b and a * 256 + b
    or head == 5 and d and ((a * 256 + b) * 256 + c) * 256 + d
  if length and length > 0 and #text == at - 1 + head + length then return length, at + head end
end
-- }}}
-- {{{ lib/map_of
-- The user's map out of its bin, of this many bytes at most; or nil and the refusal. Its inside is the user's own.
local function map_of(name, bin, most)
  local length, at = bin_length(bin, 1)
  local kind = length and string.byte(bin, at) or 0
  if not (kind >= 128 and kind <= 143 or kind == 222 or kind == 223) then
    return nil, redis.error_reply('BADARG ' .. name .. ': wants a whole msgpack bin with a map inside')
  end
  if length > most then
    return nil, redis.error_reply('TOOLARGE ' .. name .. ': ' .. length .. ' bytes, at most ' .. most)
  end
  return string.sub(bin, at)
end
-- }}}
-- {{{ lib/refused
-- What the server says of a first write: nil where it went well, else the refusal in our words.
local function refused(part, reply)
  if type(reply) ~= 'table' or not reply.err then return nil end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then
    return redis.error_reply('BADARG ' .. part .. ': ' .. reply.err)
  end
  if string.find(reply.err, 'OOM', 1, true) then
    return redis.error_reply('OOM the server is full: drain it, or raise maxmemory')
  end
  return reply
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
if #subscriber > 4096 or string.find(subscriber, '%c') then
  return redis.error_reply('BADARG subscriber: wants up to 4096 bytes without control characters')
end
ttl = whole(ttl, 1, 315360000000)
if not ttl then return redis.error_reply('BADARG ttl: wants 1 to 315360000000 ms') end
local map, bad = map_of('options', options, 262144)
if not map then return bad end

-- Read.
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
-- {{{ lib/subscription_write
-- Stores a subscription. nil, or the refusal.
local function write_subscription(s)
  local record = cmsgpack.pack({s.subscriber, s.ttl, s.confirmed, s.options})
  return refused('subscriptions', redis.pcall('HSET', SUBSCRIPTIONS, s.id, record, 'schema', 1))
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
-- {{{ lib/outlast
-- The keys go by themselves a day after the last subscription has expired. By the server's clock, whoever brings `now`.
local function outlast(ttl, keys)
  for _, key in ipairs(keys) do
    if redis.call('PTTL', key) < ttl + 86400000 then redis.call('PEXPIRE', key, ttl + 86400000) end
  end
end
-- }}}
local known = redis.call('HGET', SUBSCRIBERS, subscriber)
if known and read_subscription(known) then return {0, known} end
-- Those that have expired don't count: each subscription that is made clears some of them away.
if redis.call('ZCARD', EXPIRY) - redis.call('ZCOUNT', EXPIRY, '-inf', now) >= 10000 then
  return redis.error_reply('TOOLARGE subscriptions: there are 10000 already')
end

-- Decide. Ids grow, so that a listing has them in the order in which they were made, and none comes twice.
local last = redis.call('HGET', SUBSCRIPTIONS, 'last') or '0-0'
local ms, seq = string.match(last, '^(%d+)%-(%d+)$')
local id = now > tonumber(ms) and now .. '-0' or ms .. '-' .. string.format('%.0f', seq + 1)

-- Write.
local full = write_subscription({id = id, subscriber = subscriber, ttl = ttl, confirmed = 0, options = map})
if full then return full end
-- The subscriber's own of before first: it must not come to life where the clock steps back.
if known then unsubscribe(known) end
for _, expired in ipairs(redis.call('ZRANGEBYSCORE', EXPIRY, '-inf', now, 'LIMIT', 0, 100)) do unsubscribe(expired) end
redis.call('HSET', SUBSCRIPTIONS, 'last', id)
redis.call('HSET', SUBSCRIBERS, subscriber, id)
redis.call('ZADD', IDS, 0, padded(id))
redis.call('ZADD', EXPIRY, now + ttl, id)
outlast(ttl, KEYS)
return {1, id}

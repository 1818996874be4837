-- subscription/update: changes what is given of a subscription, and nothing else. A new ttl counts from now.
--
-- KEYS
--   subscriptions subscribers subscription_ids subscription_expiry
-- ARGV
--   now       integer?  ms  time since 1970; '' = the server's clock
--   id        id        -   its id
--   field...  text      -   subscriber, ttl, options
--   value...  text      -   as for subscription/create
-- REPLY
--   1
-- ERRORS
--   SUBSCRIPTIONGONE SUBSCRIPTIONEXISTS BADARG TOOLARGE NEWERSCHEMA
--   SUBSCRIPTIONEXISTS: the subscriber that is given has a subscription of its own; it is named
-- COST
--   O(1)
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   unsafe
--   the same; undoes what another set between
if #KEYS ~= 4 or #ARGV < 4 or #ARGV % 2 == 1 or #ARGV > 8 then
  return redis.error_reply('BADARG call: wants 4 keys, 2 arguments, and 1 to 3 fields with their values')
end
local SUBSCRIPTIONS, SUBSCRIBERS, IDS, EXPIRY = unpack(KEYS)
local now, id = ARGV[1], ARGV[2]

-- {{{ lib/shown
-- A caller's text as a refusal shows it: 64 characters at most, and `?` for what is no UTF-8 or a control character,
-- since a client may take such a reply for a broken connection.
local function shown(text)
  local least, most = {[224] = 160, [240] = 144}, {[237] = 159, [244] = 143}
  local characters = {}
  for character in string.gmatch(text, '[^\128-\191]?[\128-\191]*') do
    local first, second = string.byte(character, 1, 2)
    local length = first and (first < 128 and 1 or first >= 194 and first < 224 and 2
      or first >= 224 and first < 240 and 3 or first >= 240 and first < 245 and 4)
    local good = length == #character and (length == 1 and first > 31 and first ~= 127
      or length > 1 and second >= (least[first] or 128) and second <= (most[first] or 191))
    if #characters < 64 and first then characters[#characters + 1] = good and character or '?' end
  end
  return table.concat(characters)
end
-- }}}
-- {{{ lib/whole
-- A whole number from low to high, or nil. Digits only: no sign, fraction, exponent, NaN, blank.
local function whole(text, low, high)
  local number = #text <= 16 and string.find(text, '^%d+$') and text + 0
  return number and number >= low and number <= high and number or nil
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
local changes = {}
for i = 3, #ARGV, 2 do
  local field, value = ARGV[i], ARGV[i + 1]
  if field == 'subscriber' then
    if #value > 4096 or string.find(value, '%c') then
      return redis.error_reply('BADARG subscriber: wants up to 4096 bytes without control characters')
    end
    changes.subscriber = value
  elseif field == 'ttl' then
    changes.ttl = whole(value, 1, 315360000000)
    if not changes.ttl then return redis.error_reply('BADARG ttl: wants 1 to 315360000000 ms') end
  elseif field == 'options' then
    local map, bad = map_of('options', value, 262144)
    if not map then return bad end
    changes.options = map
  else
    return redis.error_reply('BADARG field: ' .. shown(field) .. ' is none of subscriber ttl options')
  end
end

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
-- {{{ lib/subscription_gone
-- The refusal. What is no id is not repeated: it may be a uri, with a password in it.
local function subscription_gone(id)
  local named = #id <= 32 and string.find(id, '^%d+%-%d+$') and id or 'that'
  return redis.error_reply('SUBSCRIPTIONGONE ' .. named .. ' is no subscription, or has expired')
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
local found = read_subscription(id)
if not found then return subscription_gone(id) end
local before = found.subscriber
local other = changes.subscriber and redis.call('HGET', SUBSCRIBERS, changes.subscriber)
if other and other ~= id and read_subscription(other) then
  return redis.error_reply('SUBSCRIPTIONEXISTS ' .. other .. ' is the subscription of that subscriber')
end

-- Write.
for field, value in pairs(changes) do found[field] = value end
local full = write_subscription(found)
if full then return full end
if changes.subscriber then
  -- One of that subscriber that has expired must not come to life where the clock steps back.
  if other and other ~= id then unsubscribe(other) end
  redis.call('HDEL', SUBSCRIBERS, before)
  redis.call('HSET', SUBSCRIBERS, changes.subscriber, id)
end
if changes.ttl then
  redis.call('ZADD', EXPIRY, now + changes.ttl, id)
  outlast(changes.ttl, KEYS)
end
return 1

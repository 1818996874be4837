-- get: messages by id, whoever holds them. What is unknown, expired, dead or malformed is left out.
--
-- KEYS
--   log meta held claims delayed expiry tries
-- ARGV
--   now    integer?  ms  time since 1970; '' = the server's clock
--   id...  id        -   1 to 250 message ids
-- REPLY
--   flat: now, then for each message found, in the order asked: id, claims, ttl (ms), delay (what is left of it, ms),
--   claim ('' = none), envelope
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
if #KEYS ~= 7 or #ARGV < 2 then return redis.error_reply('BADARG call: wants 7 keys and at least 2 arguments') end
local LOG, META, HELD, CLAIMS, DELAYED, EXPIRY, TRIES = unpack(KEYS)
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
local meta = redis.call('HMGET', META, 'schema', '_max_claim_count')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
local max_claims = tonumber(meta[2])
-- {{{ lib/describe
-- What these entries of the log are now, without those that have expired or died: for each a list of id, claims, ttl,
-- delay, claim, envelope. What has lapsed or matured is taken for what it will be once it is swept.
local function describe(entries)
  if #entries == 0 then return {} end
  local names, found, deadlines = {}, {}, {}
  for i, entry in ipairs(entries) do names[i] = entry[1] end
  local owners = redis.call('HMGET', HELD, unpack(names))
  local tries = redis.call('HMGET', TRIES, unpack(names))
  local delayed = redis.call('ZMSCORE', DELAYED, unpack(names))
  local expiry = redis.call('ZMSCORE', EXPIRY, unpack(names))
  for i, entry in ipairs(entries) do
    local id, envelope = entry[1], entry[2][2]
    local ms = tonumber(string.match(id, '^%d+'))
    local _, own = cmsgpack.unpack_limit(envelope, 1, 1)
    local expires = tonumber(expiry[i]) or ms + own
    local claims, holder = tonumber(tries[i]) or 0, owners[i] and string.sub(owners[i], 1, 36)
    if holder then
      claims = claims + 1
      deadlines[holder] = deadlines[holder] or tonumber(redis.call('ZSCORE', CLAIMS, holder) or nil) or 0
    end
    local held = holder and deadlines[holder] > now
    local dead = holder and not held and max_claims and claims >= max_claims
    if expires > now and not dead then
      local delay = math.max((tonumber(delayed[i]) or 0) - now, 0)
      found[#found + 1] = {id, claims, expires - ms, delay, held and holder or '', envelope}
    end
  end
  return found
end
-- }}}
local entries = {}
for i = 2, #ARGV do
  local entry = padded(ARGV[i]) and redis.call('XRANGE', LOG, ARGV[i], ARGV[i])[1]
  if entry and entry[1] == ARGV[i] then entries[#entries + 1] = entry end
end
local reply = {now}
for _, message in ipairs(describe(entries)) do
  for _, value in ipairs(message) do reply[#reply + 1] = value end
end
return reply

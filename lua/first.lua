-- first: the oldest or the newest message that lives, claimed and delayed ones included.
--
-- KEYS
--   log meta held claims delayed expiry tries
-- ARGV
--   now     integer?  ms  time since 1970; '' = the server's clock
--   marker  id?       -   look from here on, as an earlier reply said; '' = from the end of the log
--   newest  flag      -   1 = the newest, else the oldest
-- REPLY
--   flat: now, state, marker, then the message, if any: id, claims, ttl (ms), delay (what is left of it, ms), claim
--   ('' = none), envelope. state: 0 = that is all, 1 = looked at enough, call again with the marker
-- ERRORS
--   BADARG NEWERSCHEMA
-- COST
--   O(messages looked at), at most 250 a call, where expired ones have not been swept
-- WRITES
--   no
-- MORE
--   no
-- REPEAT
--   safe
--   as it is by then
if #KEYS ~= 7 or #ARGV ~= 3 then return redis.error_reply('BADARG call: wants 7 keys and 3 arguments') end
local LOG, META, HELD, CLAIMS, DELAYED, EXPIRY, TRIES = unpack(KEYS)
local now, marker, newest = unpack(ARGV)

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
if marker ~= '' and not padded(marker) then return redis.error_reply('BADARG marker: wants a message id') end
if newest ~= '' and newest ~= '1' then return redis.error_reply("BADARG newest: wants 1 or ''") end

local wrong = mistyped()
if wrong then return wrong end
local meta = redis.call('HMGET', META, 'schema', '_max_claim_count', 'due', 'base_ttl')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
local max_claims, base_ttl = tonumber(meta[2]), tonumber(meta[4])
local late = now >= (tonumber(meta[3]) or math.huge)
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
-- {{{ lib/start
-- Where a walk from the old end begins: past the head of the log where all of that has expired in order.
local function start_after(position)
  local border = late and base_ttl and redis.call('ZCARD', EXPIRY) == 0 and now - base_ttl or -1
  if border >= 0 and padded(position) < padded(border + 1 .. '-0') then return border + 1 .. '-0' end
  return '(' .. position
end
-- }}}
local looked, count = 0, 1
while looked < 250 do
  local entries
  if newest == '1' then
    entries = redis.call('XREVRANGE', LOG, marker == '' and '+' or '(' .. marker, '-', 'COUNT', count)
  else
    entries = redis.call('XRANGE', LOG, start_after(marker == '' and '0-0' or marker), '+', 'COUNT', count)
  end
  if #entries == 0 then return {now, 0, marker} end
  local message = describe(entries)[1]
  if message then return {now, 0, message[1], unpack(message)} end
  looked, count, marker = looked + #entries, 50, entries[#entries][1]
end
return {now, 1, marker}

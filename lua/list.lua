-- list: a page of messages, oldest first, from a marker on. Takes nothing, changes nothing.
--
-- KEYS
--   log meta held claims returned delayed expiry tries
-- ARGV
--   now      integer?  ms     time since 1970; '' = the server's clock
--   marker   id?       -      the page begins after this id, gone or not; '' = at the oldest message
--   limit    integer   count  1 to 250
--   client   text?     -      leave out the messages that this client posted; '' = leave out none
--   claimed  flag      -      1 = with claimed messages
--   delayed  flag      -      1 = with delayed messages
-- REPLY
--   flat: now, state, marker, then for each message: id, claims, ttl (ms), delay (what is left of it, ms), claim
--   ('' = none), envelope. state: 0 = the end of the queue, 1 = looked at enough, call again from the marker for the
--   rest of the page, 2 = the page is full (the limit, or 4 MiB); marker is where the next page begins
-- ERRORS
--   BADARG NEWERSCHEMA
-- COST
--   O(messages looked at), at most 250 and 4 MiB a call
-- WRITES
--   no
-- MORE
--   no
-- REPEAT
--   safe
--   as it is by then
if #KEYS ~= 8 or #ARGV ~= 6 then return redis.error_reply('BADARG call: wants 8 keys and 6 arguments') end
local LOG, META, HELD, CLAIMS, RETURNED, DELAYED, EXPIRY, TRIES = unpack(KEYS)
local now, marker, limit, client, with_claimed, with_delayed = unpack(ARGV)

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
if marker == '' then marker = '0-0' end
if not padded(marker) then return redis.error_reply('BADARG marker: wants a message id') end
if with_claimed ~= '' and with_claimed ~= '1' then return redis.error_reply("BADARG claimed: wants 1 or ''") end
if with_delayed ~= '' and with_delayed ~= '1' then return redis.error_reply("BADARG delayed: wants 1 or ''") end

local wrong = mistyped()
if wrong then return wrong end
local meta = redis.call('HMGET', META, 'schema', '_max_claim_count', 'due', 'cursor', 'base_ttl')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
if not meta[1] then return {now, 0, marker} end
local max_claims, cursor, base_ttl = tonumber(meta[2]), meta[4], tonumber(meta[5])
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
local reply = {now, 0, marker}
local listed, bytes, full = 0, 0, false
local looked, read = 0, 0

-- Puts what is asked for on the page, as long as there is room.
local function put(entries)
  local found = {}
  for _, message in ipairs(describe(entries)) do found[message[1]] = message end
  for _, entry in ipairs(entries) do
    local message = found[entry[1]]
    local _, _, poster = cmsgpack.unpack_limit(entry[2][2], 2, 1)
    local wanted = message and (with_claimed == '1' or message[5] == '') and (with_delayed == '1' or message[4] == 0)
      and (client == '' or poster ~= client)
    if wanted then
      if listed == limit or listed > 0 and bytes + #message[6] > 4194304 then
        full = true
        return
      end
      listed, bytes = listed + 1, bytes + #message[6]
      for _, value in ipairs(message) do reply[#reply + 1] = value end
    end
    marker, looked, read = entry[1], looked + 1, read + #entry[2][2]
  end
end

-- Nothing waits to be swept, and held messages are not wanted: what is behind the cursor and free stands in `returned`.
if not late and with_claimed == '' and (with_delayed == '' or redis.call('ZCARD', DELAYED) == 0) then
  while not full and looked < 250 and read < 4194304 and padded(marker) < padded(cursor) do
    local members = redis.call('ZRANGEBYLEX', RETURNED, '(' .. padded(marker), '+', 'LIMIT', 0, 50)
    local entries = {}
    for _, member in ipairs(members) do
      entries[#entries + 1] = redis.call('XRANGE', LOG, member, member)[1]
    end
    put(entries)
    -- What `check` would find, a member that is not in the log, must not hold the walk up.
    looked = looked + #members - #entries
    if not full then marker = #members < 50 and cursor or unpadded(members[50]) end
  end
end
while not full and looked < 250 and read < 4194304 do
  local entries = redis.call('XRANGE', LOG, start_after(marker), '+', 'COUNT', 50)
  put(entries)
  if not full and #entries < 50 then
    reply[3] = marker
    return reply
  end
end
reply[2], reply[3] = full and 2 or 1, marker
return reply

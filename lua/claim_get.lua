-- claim_get: a claim and the messages it still holds.
--
-- KEYS
--   log meta held claims expiry tries
-- ARGV
--   now    integer?  ms  time since 1970; '' = the server's clock
--   claim  uuid      -   the claim's id
-- REPLY
--   flat: now, fence, ttl, grace, deadline (ms), worker, then for each message: id, claims, ttl (ms), envelope
-- ERRORS
--   CLAIMGONE BADARG NEWERSCHEMA
-- COST
--   O(messages of the claim)
-- WRITES
--   no
-- MORE
--   no
-- REPEAT
--   safe
--   as it is by then
if #KEYS ~= 6 or #ARGV ~= 2 then return redis.error_reply('BADARG call: wants 6 keys and 2 arguments') end
local LOG, META, HELD, CLAIMS, EXPIRY, TRIES = unpack(KEYS)
local now, claim = unpack(ARGV)

-- {{{ lib/whole
-- A whole number from low to high, or nil. Digits only: no sign, fraction, exponent, NaN, blank.
local function whole(text, low, high)
  local number = #text <= 16 and string.find(text, '^%d+$') and text + 0
  return number and number >= low and number <= high and number or nil
end
-- }}}
-- {{{ lib/claim_id
-- A claim id is a UUID in its usual form; so it is never taken for a message id, which `held` has too.
local function is_claim_id(text)
  return #text == 36 and string.find(text, '^%x+%-%x+%-%x+%-%x+%-%x+$') ~= nil and string.sub(text, 9, 9) == '-'
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
-- {{{ lib/read_record
-- A claim's record in `held`: `fence ttl grace earliest ids worker`, where no message
-- of it expires before earliest, ids are joined by commas, and worker is the rest, maybe nothing.
local function read_record(record)
  local fence, ttl, grace, earliest, ids, worker = string.match(record, '^(%d+) (%d+) (%d+) (%d+) (%S+) (.*)$')
  local list = {}
  for id in string.gmatch(ids, '[^,]+') do list[#list + 1] = id end
  return {fence = fence, ttl = ttl, grace = grace, earliest = earliest, ids = list, worker = worker}
end
-- }}}
-- {{{ lib/holding
-- The messages that a claim holds, flat: id, claims, ttl, envelope.
local function holding(ids)
  local messages = {}
  local expiry = redis.call('ZMSCORE', EXPIRY, unpack(ids))
  local tries = redis.call('HMGET', TRIES, unpack(ids))
  for i, id in ipairs(ids) do
    local entry = redis.call('XRANGE', LOG, id, id)[1]
    if entry then
      local envelope, ms = entry[2][2], tonumber(string.match(id, '^%d+'))
      local _, ttl = cmsgpack.unpack_limit(envelope, 1, 1)
      local n = #messages
      messages[n + 1], messages[n + 2] = id, (tonumber(tries[i]) or 0) + 1
      messages[n + 3], messages[n + 4] = (expiry[i] or ms + ttl) - ms, envelope
    end
  end
  return messages
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
if not is_claim_id(claim) then
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
  return redis.error_reply('CLAIMGONE ' .. shown(claim) .. ' is no claim id')
end
local wrong = mistyped()
if wrong then return wrong end
local meta = redis.call('HMGET', META, 'schema')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
local deadline = tonumber(redis.call('ZSCORE', CLAIMS, claim) or nil)
if not deadline or deadline <= now then return redis.error_reply('CLAIMGONE ' .. claim .. ' is gone; claim again') end
local record = read_record(redis.call('HGET', HELD, claim))
local header = {now, tonumber(record.fence), tonumber(record.ttl), tonumber(record.grace), deadline, record.worker}
for _, value in ipairs(holding(record.ids)) do header[#header + 1] = value end
return header

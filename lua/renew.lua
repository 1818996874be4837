-- renew: gives a claim a new ttl and grace, counted from now.
-- Messages that would expire before its new deadline, or then, live until the deadline plus the grace.
--
-- KEYS
--   log meta held claims expiry
-- ARGV
--   now    integer?  ms  time since 1970; '' = the server's clock
--   claim  uuid      -   the claim's id
--   ttl    integer   ms  1 to 315360000000 (10 years)
--   grace  integer   ms  0 to 315360000000
-- REPLY
--   flat: now, fence, ttl, grace, deadline (ms)
-- ERRORS
--   CLAIMGONE BADARG NEWERSCHEMA
-- COST
--   O(1); O(messages of the claim) where one of them needs longer life
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   safe
--   as the first, counted from the repeat
if #KEYS ~= 5 or #ARGV ~= 4 then return redis.error_reply('BADARG call: wants 5 keys and 4 arguments') end
local LOG, META, HELD, CLAIMS, EXPIRY = unpack(KEYS)
local now, claim, ttl, grace = unpack(ARGV)

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
-- {{{ lib/write_record
-- The record as text again.
local function write_record(r)
  local ids = table.concat(r.ids, ',')
  return r.fence .. ' ' .. r.ttl .. ' ' .. r.grace .. ' ' .. r.earliest .. ' ' .. ids .. ' ' .. r.worker
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
ttl, grace = whole(ttl, 1, 315360000000), whole(grace, 0, 315360000000)
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
if not ttl then return redis.error_reply('BADARG ttl: wants 1 to 315360000000 ms') end
if not grace then return redis.error_reply('BADARG grace: wants 0 to 315360000000 ms') end

-- Read.
local wrong = mistyped()
if wrong then return wrong end
local meta = redis.call('HMGET', META, 'schema', 'due', 'waiting_until')
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

local waiting_until = meta[3]
-- {{{ lib/wake
-- Tells those who wait that there is something to claim from `at` on (ms; 0 = now). The channel has the log's name.
-- Nobody waits: one value compared. A server before 7.0 has no SPUBLISH; what can't be published fails no call.
local function wake(at)
  if not waiting_until then return end
  local time = now
  if time == '' then
    local server = redis.call('TIME')
    time = server[1] * 1000 + server[2] / 1000
  end
  if time >= (tonumber(waiting_until) or 0) then
    redis.call('HDEL', META, 'waiting_until')
  elseif type(redis.pcall('SPUBLISH', LOG, at)) == 'table' then
    redis.pcall('PUBLISH', LOG, at)
  end
end
-- }}}

-- Decide.
local before = deadline
deadline = now + ttl
record.ttl, record.grace = ttl, grace
local extended, owners = {}, {}
if tonumber(record.earliest) <= deadline then
  local expiry = redis.call('ZMSCORE', EXPIRY, unpack(record.ids))
  record.earliest = math.huge
  for i, id in ipairs(record.ids) do
    local expires = tonumber(expiry[i])
    if not expires then
      local entry = redis.call('XRANGE', LOG, id, id)[1]
      local _, own = cmsgpack.unpack_limit(entry[2][2], 1, 1)
      expires = string.match(id, '^%d+') + own
    end
    if expires <= deadline then
      expires = deadline + grace
      extended[#extended + 1], extended[#extended + 2] = expires, id
      owners[#owners + 1], owners[#owners + 2] = id, claim .. '+'
    end
    record.earliest = math.min(record.earliest, expires)
  end
end

-- Write.
redis.call('HDEL', META, '')
redis.call('ZADD', CLAIMS, deadline, claim)
redis.call('HSET', HELD, claim, write_record(record), unpack(owners))
if #extended > 0 then redis.call('ZADD', EXPIRY, unpack(extended)) end
if deadline < (tonumber(meta[2]) or math.huge) then redis.call('HSET', META, 'due', deadline) end
if deadline < before then wake(deadline) end
return {now, tonumber(record.fence), ttl, grace, deadline}

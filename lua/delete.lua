-- delete: deletes 1 to 250 messages, all or none. The refusal names the first message that stands in the way.
--
--   the message is    claim given         outcome
--   gone, dead        none, well formed   done, silently: a repeated delete is safe
--   any               malformed           CLAIMGONE
--   unclaimed         none                deleted
--   unclaimed         yes                 NOTCLAIMED: the claim has lapsed
--   claimed by X      none                CLAIMED
--   claimed by X      X                   deleted
--   claimed by X      Y, alive            NOTYOURS
--   claimed by X      Y, gone             CLAIMGONE
--
-- KEYS
--   log meta held claims returned delayed expiry tries
-- ARGV
--   now    integer?  ms  time since 1970; '' = the server's clock
--   claim  uuid?     -   the claim under which they are held; '' = none
--   id...  id        -   1 to 250 message ids; one given twice counts once
-- REPLY
--   how many messages were deleted
-- ERRORS
--   CLAIMED NOTCLAIMED NOTYOURS CLAIMGONE BADARG TOOLARGE NEWERSCHEMA
-- COST
--   O(ids + messages of the claim)
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   safe
--   0, or less than the first; never CLAIMGONE for what the first deleted
if #KEYS ~= 8 or #ARGV < 3 then return redis.error_reply('BADARG call: wants 8 keys and at least 3 arguments') end
local LOG, META, HELD, CLAIMS, RETURNED, DELAYED, EXPIRY, TRIES = unpack(KEYS)
local now, claim = ARGV[1], ARGV[2]

-- {{{ lib/whole
-- A whole number from low to high, or nil. Digits only: no sign, fraction, exponent, NaN, blank.
local function whole(text, low, high)
  local number = #text <= 16 and string.find(text, '^%d+$') and text + 0
  return number and number >= low and number <= high and number or nil
end
-- }}}
-- {{{ lib/first_write
-- The first write of what must go on at maxmemory. A script that has written is not refused any more, so where the
-- server is full an HDEL of nothing goes before it. nil, or the refusal.
local function first_write(part, ...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return nil end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then
    return redis.error_reply('BADARG ' .. part .. ': ' .. reply.err)
  end
  if not string.find(reply.err, 'OOM', 1, true) then return reply end
  redis.call('HDEL', META, '')
  redis.call(...)
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
if #ARGV > 252 then return redis.error_reply('TOOLARGE ids: ' .. #ARGV - 2 .. ', at most 250') end

-- Read.
local meta = redis.pcall('HMGET', META, 'schema', '_max_claim_count')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
local deadline = redis.pcall('ZSCORE', CLAIMS, claim)
if deadline and deadline.err then return redis.error_reply('BADARG claims: ' .. deadline.err) end
-- A claim that is known has a sound id.
if not deadline and claim ~= '' then
  -- {{{ lib/claim_id
  -- A claim id is a UUID in its usual form; so it is never taken for a message id, which `held` has too.
  local function is_claim_id(text)
    return #text == 36 and string.find(text, '^%x+%-%x+%-%x+%-%x+%-%x+$') ~= nil and string.sub(text, 9, 9) == '-'
  end
  -- }}}
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
  if not is_claim_id(claim) then return redis.error_reply('CLAIMGONE ' .. shown(claim) .. ' is no claim id') end
end
if not meta[1] then return 0 end
local owners = redis.pcall('HMGET', HELD, claim, unpack(ARGV, 3))
if owners.err then return redis.error_reply('BADARG held: ' .. owners.err) end
local live = deadline and tonumber(deadline) > now
local max_claims = tonumber(meta[2])

-- As usual: all that a live claim holds, in its order, and the claim ends. What has no mark stands in the log and in
-- `held`, nowhere else.
local held = live and owners[1] and string.match(owners[1], '^%d+ %d+ %d+ %d+ (%S+)')
if held and held == table.concat(ARGV, ',', 3) then
  local marked = false
  for i = 2, #owners do marked = marked or owners[i] ~= claim end
  local unread = marked and {expiry = redis.pcall('ZCARD', EXPIRY), tries = redis.pcall('HLEN', TRIES)} or {}
  for part, reply in pairs(unread) do
    if type(reply) == 'table' then return redis.error_reply('BADARG ' .. part .. ': ' .. reply.err) end
  end
  local wrong = first_write('log', 'XDEL', LOG, unpack(ARGV, 3))
  if wrong then return wrong end
  redis.call('HDEL', HELD, unpack(ARGV, 2))
  redis.call('ZREM', CLAIMS, claim)
  if marked then
    redis.call('ZREM', EXPIRY, unpack(ARGV, 3))
    redis.call('HDEL', TRIES, unpack(ARGV, 3))
  end
  return #ARGV - 2
end

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
-- {{{ lib/strip
-- Takes messages out of a claim's record; the claim ends with its last one.
local function strip(claim, record, gone)
  local left = {}
  for _, id in ipairs(record.ids) do
    if not gone[id] then left[#left + 1] = id end
  end
  if #left == 0 then
    redis.call('HDEL', HELD, claim)
    redis.call('ZREM', CLAIMS, claim)
  else
    record.ids = left
    redis.call('HSET', HELD, claim, write_record(record))
  end
end
-- }}}
-- {{{ lib/forget
-- Takes messages that nobody holds out of the log and of every index.
local function forget(ids)
  local members = {}
  for i, id in ipairs(ids) do members[i] = padded(id) end
  redis.call('XDEL', LOG, unpack(ids))
  redis.call('ZREM', RETURNED, unpack(members))
  redis.call('ZREM', DELAYED, unpack(ids))
  redis.call('ZREM', EXPIRY, unpack(ids))
  redis.call('HDEL', TRIES, unpack(ids))
end
-- }}}
-- Decide.
-- {{{ lib/lives
-- When a message expires, in ms; nil where it has, where its claims are used up, or where it never was.
local function lives(id)
  local entry = redis.call('XRANGE', LOG, id, id)[1]
  if not entry or entry[1] ~= id then return nil end
  local _, ttl = cmsgpack.unpack_limit(entry[2][2], 1, 1)
  local expires = tonumber(redis.call('ZSCORE', EXPIRY, id) or nil) or string.match(id, '^%d+') + ttl
  if expires <= now then return nil end
  local owner = redis.call('HGET', HELD, id)
  local deadline = owner and redis.call('ZSCORE', CLAIMS, string.sub(owner, 1, 36))
  if deadline and tonumber(deadline) <= now and max_claims
    and (tonumber(redis.call('HGET', TRIES, id) or nil) or 0) + 1 >= max_claims then
    return nil
  end
  return expires
end
-- }}}
local ids, gone, loose, lapsed = {}, {}, {}, {}
local checked, marked = false, false
for i = 3, #ARGV do
  local id, owner = ARGV[i], owners[i - 1]
  local holder = owner and string.sub(owner, 1, 36)
  if live and holder == claim then
    if not gone[id] then ids[#ids + 1], gone[id] = id, true end
    marked = marked or holder ~= owner
  elseif padded(id) and not gone[id] then
    local wrong = not checked and mistyped()
    if wrong then return wrong end
    checked = true
    local other = holder and tonumber(redis.call('ZSCORE', CLAIMS, holder) or nil)
    if other and other > now then
      if claim == '' then return redis.error_reply('CLAIMED ' .. id .. ' is held by ' .. holder) end
      if live then return redis.error_reply('NOTYOURS ' .. id .. ' is held by ' .. holder) end
      return redis.error_reply('CLAIMGONE ' .. claim .. ' is gone; ' .. id .. ' is held by ' .. holder)
    end
    if lives(id) then
      if claim ~= '' then return redis.error_reply('NOTCLAIMED ' .. id .. ' is held by no claim') end
      loose[#loose + 1], gone[id] = id, true
      if holder and not lapsed[holder] then lapsed[holder] = read_record(redis.call('HGET', HELD, holder)) end
    end
  end
end
if marked and not checked then
  local wrong = mistyped()
  if wrong then return wrong end
end

-- Write. A message that is held without a mark stands in the log and in `held`, nowhere else.
if #ids > 0 then
  local record = read_record(owners[1])
  local wrong = first_write('log', 'XDEL', LOG, unpack(ids))
  if wrong then return wrong end
  redis.call('HDEL', HELD, unpack(ids))
  strip(claim, record, gone)
  if marked then
    redis.call('ZREM', EXPIRY, unpack(ids))
    redis.call('HDEL', TRIES, unpack(ids))
  end
end
if #loose > 0 then
  forget(loose)
  redis.call('HDEL', HELD, unpack(loose))
  for holder, record in pairs(lapsed) do strip(holder, record, gone) end
end
return #ids + #loose

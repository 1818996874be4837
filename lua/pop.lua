-- pop: takes and deletes up to `limit` claimable messages, oldest first.
-- With a token a repeat answers the same messages for at least 60 s; without one a lost reply loses them.
--
-- KEYS
--   log meta claims returned delayed expiry tries tokens tokens_before
-- ARGV
--   now     integer?  ms     time since 1970; '' = the server's clock
--   limit   integer   count  1 to 250
--   token   text?     -      up to 256 bytes, without control characters; '' = no token
--   force   flag      -      1 = take what is at hand although something waits to be swept
--   wait    integer?  ms     how long the caller is going to wait where there is nothing, 1 to 315360000000;
--                            '' = it does not
-- REPLY
--   nothing claimable: an empty list; to a caller that waits: now, and when something may come back or mature by
--   itself (ms, 0 = nothing will)
--   else flat: now, then for each message: id, claims, ttl (ms), envelope; claims is how often it was claimed before;
--   a repeat answers as the first call did, its now included
-- ERRORS
--   BADARG TOKENREUSED NEWERSCHEMA MORE
-- COST
--   O(limit), at most 4 MiB of messages; with a token these are kept, up to 180 s, for the repeat
-- WRITES
--   yes
-- MORE
--   yes
-- REPEAT
--   safe with token within 60000 ms
--   the same messages; if the first found nothing, maybe some. Without a token other messages, and those of the first
--   are lost
if #KEYS ~= 9 or #ARGV ~= 5 then return redis.error_reply('BADARG call: wants 9 keys and 5 arguments') end
local LOG, META, CLAIMS, RETURNED, DELAYED, EXPIRY, TRIES, TOKENS, TOKENS_BEFORE = unpack(KEYS)
local now, limit, token, force, wait = unpack(ARGV)

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
if #token > 256 or string.find(token, '%c') then
  return redis.error_reply('BADARG token: wants up to 256 bytes without control characters')
end
if force ~= '' and force ~= '1' then return redis.error_reply("BADARG force: wants 1 or ''") end
if wait ~= '' then wait = whole(wait, 1, 315360000000) end
if not wait then return redis.error_reply('BADARG wait: wants 1 to 315360000000 ms, or nothing') end

-- Read.
local meta = redis.pcall('HMGET', META, 'schema', 'due', 'cursor', 'base_ttl', 'since', 'returned', 'tokens_since')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
-- {{{ lib/empty_handed
-- There is nothing to claim. A caller that waits says until when, so that whoever brings something publishes it, and
-- learns when something may come back or mature by itself.
local function empty_handed()
  if wait == '' then return {} end
  if not meta[1] then return {now, 0} end
  local wrong = mistyped()
  if wrong then return wrong end
  local at = math.huge
  for _, index in ipairs({CLAIMS, DELAYED}) do
    at = math.min(at, tonumber(redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')[2]) or math.huge)
  end
  if now + wait > (tonumber(redis.call('HGET', META, 'waiting_until') or nil) or 0) then
    redis.call('HDEL', META, '')
    redis.call('HSET', META, 'waiting_until', now + wait)
  end
  return {now, at < math.huge and at or 0}
end
-- }}}
if not meta[1] then return empty_handed() end
if token ~= '' then
  -- {{{ lib/remembered
  -- What was kept under this token, if it was used. Tokens stand in two hashes that change places: the younger is
  -- `tokens`, and the older goes when the younger is 60 s old. To look is also to notice a key of another type.
  local kept, part = redis.pcall('HGET', TOKENS, token), 'tokens'
  if not kept then kept, part = redis.pcall('HGET', TOKENS_BEFORE, token), 'tokens_before' end
  if kept and kept.err then return redis.error_reply('BADARG ' .. part .. ': ' .. kept.err) end
  -- }}}
  if kept then
    local popped = string.match(kept, '^pop (.*)$')
    if not popped then return redis.error_reply('TOKENREUSED ' .. token .. ' was for another call') end
    return cmsgpack.unpack(popped)
  end
end
-- `+ 0` converts at half the price of tonumber, which looks at a text twice.
local due, cursor, base_ttl = (meta[2] or math.huge) + 0, meta[3], meta[4] and meta[4] + 0
local since, returned, tokens_since = (meta[5] or 0) + 0, meta[6], meta[7]
local late, counts = now >= due, 0
if late and force ~= '1' then return redis.error_reply('MORE sweep, then call again') end
local reply = {now}
-- {{{ lib/take
-- Claimable messages, oldest first: those that came back, then those never claimed. Reads only.
-- They go to the end of `reply`, flat: id, claims, ttl, envelope. The lists say what a write has to undo.
local ids, expiries, marked, head = {}, {}, {}, #reply
local back, matured, expired = {}, {}, {}
local bytes, looked, exhausted, emptied = 0, 0, false, false
local position = cursor

-- The slow look, at what is not as usual: another ttl, a delay, a message that came back, a page that gets full.
-- false where it is, at 4 MiB; one message always fits. nil and the refusal where a key is of another type.
local function add_carefully(entries, members)
  local names = {}
  for i, entry in ipairs(entries) do names[i] = entry[1] end
  local expiry = redis.pcall('ZMSCORE', EXPIRY, unpack(names))
  local delayed = redis.pcall('ZMSCORE', DELAYED, unpack(names))
  local tries = redis.pcall('HMGET', TRIES, unpack(names))
  for part, answer in pairs({expiry = expiry, delayed = delayed, tries = tries}) do
    if answer.err then return nil, redis.error_reply('BADARG ' .. part .. ': ' .. answer.err) end
  end
  for i, entry in ipairs(entries) do
    local id, envelope, due_at = entry[1], entry[2][2], tonumber(delayed[i])
    local ms = tonumber(string.match(id, '^%d+'))
    local _, ttl = cmsgpack.unpack_limit(envelope, 1, 1)
    local expires = tonumber(expiry[i]) or ms + ttl
    if expires <= now then
      if not members then expired[#expired + 1] = id end
    elseif not (due_at and due_at > now) then
      local n = #ids + 1
      if n > 1 and bytes + #envelope > 4194304 then return false end
      bytes = bytes + #envelope
      ids[n], expiries[n], marked[n] = id, expires, expiry[i] or tries[i]
      local at = head + 4 * n
      reply[at - 3], reply[at - 2], reply[at - 1], reply[at] = id, (tries[i] or 0) + counts, expires - ms, envelope
      if members then back[#back + 1] = members[i] end
      if due_at then matured[#matured + 1] = id end
    end
    if not members then position = id end
  end
  return true
end

local room = true
if returned == '1' then
  local members = redis.pcall('ZRANGE', RETURNED, 0, limit - 1)
  local wrong = members[1] and mistyped()
  if members.err then return redis.error_reply('BADARG returned: ' .. members.err) end
  if wrong then return wrong end
  local entries, names, size, cut = {}, {}, 0, false
  for _, member in ipairs(members) do
    local entry = redis.call('XRANGE', LOG, member, member)[1]
    size = size + (entry and #entry[2][2] or 0)
    cut = size > 4194304 and #entries > 0
    if cut then break end
    if entry then
      entries[#entries + 1], names[#names + 1] = entry, member
    else
      back[#back + 1] = member
    end
  end
  room = #entries == 0 or add_carefully(entries, names)
  -- Nothing of the log may go before a large one that came back.
  if cut and #ids > 0 then room = false end
  emptied = #back == #members and #members < limit
end

-- While nothing is due, an envelope that begins as usual needs no second look: it is unexpired and not delayed.
local usual = base_ttl and not late and '\147' .. cmsgpack.pack(base_ttl)
while room and #ids < limit and looked < limit + 250 do
  local want = math.min(limit - #ids, 50)
  local entries = redis.pcall('XRANGE', LOG, '(' .. position, '+', 'COUNT', want)
  if entries.err then return redis.error_reply('BADARG log: ' .. entries.err) end
  local plain = usual and entries[1] and string.match(entries[1][1], '^%d+') + 0 > since
  local size = bytes
  for i = 1, plain and #entries or 0 do
    local envelope = entries[i][2][2]
    size = size + #envelope
    plain = plain and size <= 4194304 and string.sub(envelope, 1, #usual) == usual
  end
  if plain then
    local n = #ids
    for i = 1, #entries do
      local id, at = entries[i][1], head + 4 * (n + i)
      ids[n + i] = id
      reply[at - 3], reply[at - 2], reply[at - 1], reply[at] = id, counts, base_ttl, entries[i][2][2]
    end
    bytes, position = size, ids[#ids]
  elseif #entries > 0 then
    local wrong
    room, wrong = add_carefully(entries)
    if wrong then return wrong end
  end
  looked = looked + #entries
  exhausted = #entries < want
  if exhausted then break end
end

-- Empty-handed, though something may be claimable: sweep has to clear the way.
if #ids == 0 and (late or not exhausted) then return redis.error_reply('MORE sweep, then call again') end
-- }}}
if #ids == 0 then return empty_handed() end

-- Write. Messages as usual are in the log alone.
local unusual = #back > 0 or #matured > 0 or #expired > 0
for i = 1, #ids do unusual = unusual or marked[i] end
if unusual then
  local wrong = mistyped()
  if wrong then return wrong end
  for _, id in ipairs(expired) do ids[#ids + 1] = id end
  forget(ids)
  if emptied then redis.call('HDEL', META, 'returned') end
else
  redis.call('XDEL', LOG, unpack(ids))
end
if token ~= '' then
  local value = 'pop ' .. cmsgpack.pack(reply)
  -- {{{ lib/remember
  -- A token is good for 60 s at least. Both hashes go by themselves where no further token comes, and with their queue.
  local rotate = not tonumber(tokens_since) or now - tokens_since >= 60000
  if rotate then
    redis.call('UNLINK', TOKENS_BEFORE)
    if redis.call('EXISTS', TOKENS) == 1 then redis.call('RENAME', TOKENS, TOKENS_BEFORE) end
    redis.call('HSET', META, 'tokens_since', now)
  end
  redis.call('HSET', TOKENS, token, value)
  if rotate then redis.call('PEXPIRE', TOKENS, 180000) end
  -- }}}
end
return reply

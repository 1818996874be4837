-- claim: takes up to `limit` claimable messages, oldest first, as one claim.
-- Called again with the id of a live claim it answers that claim as it stands, so a lost reply costs nothing.
--
-- KEYS
--   log meta held claims returned delayed expiry tries
-- ARGV
--   now     integer?  ms     time since 1970; '' = the server's clock
--   claim   uuid      -      the claim's id, chosen by the caller: a new random UUID
--   ttl     integer   ms     how long the claim lives: 1 to 315360000000 (10 years)
--   grace   integer   ms     how much longer its messages live at least: 0 to 315360000000
--   limit   integer   count  1 to 250
--   worker  text?     -      name of the claiming worker, up to 256 bytes, no control characters
--   force   flag      -      1 = take what is at hand although something waits to be swept, unless this claim's own
--                            id does
--   wait    integer?  ms     how long the caller is going to wait where there is nothing, 1 to 315360000000;
--                            '' = it does not
-- REPLY
--   nothing claimable: an empty list; to a caller that waits: now, and when something may come back or mature by
--   itself (ms, 0 = nothing will)
--   else flat: now, fence, ttl, grace, deadline (ms), then for each message: id, claims, ttl (ms), envelope
--   claims counts this one; ttl is the message's expiry less the ms of its id
-- ERRORS
--   BADARG NEWERSCHEMA MORE
-- COST
--   O(limit), at most 4 MiB of messages; flat in what is queued and in flight
-- WRITES
--   yes
-- MORE
--   yes
-- REPEAT
--   safe
--   the claim as it stands; after it ended, a new claim under the same id
if #KEYS ~= 8 or #ARGV ~= 8 then return redis.error_reply('BADARG call: wants 8 keys and 8 arguments') end
local LOG, META, HELD, CLAIMS, RETURNED, DELAYED, EXPIRY, TRIES = unpack(KEYS)
local now, claim, ttl, grace, limit, worker, force, wait = unpack(ARGV)

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
-- {{{ lib/write_record
-- The record as text again.
local function write_record(r)
  local ids = table.concat(r.ids, ',')
  return r.fence .. ' ' .. r.ttl .. ' ' .. r.grace .. ' ' .. r.earliest .. ' ' .. ids .. ' ' .. r.worker
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
ttl, grace, limit = whole(ttl, 1, 315360000000), whole(grace, 0, 315360000000), whole(limit, 1, 250)
if not is_claim_id(claim) then return redis.error_reply('BADARG claim: wants a UUID') end
if not ttl then return redis.error_reply('BADARG ttl: wants 1 to 315360000000 ms') end
if not grace then return redis.error_reply('BADARG grace: wants 0 to 315360000000 ms') end
if not limit then return redis.error_reply('BADARG limit: wants 1 to 250') end
if #worker > 256 or string.find(worker, '%c') then
  return redis.error_reply('BADARG worker: wants up to 256 bytes without control characters')
end
if force ~= '' and force ~= '1' then return redis.error_reply("BADARG force: wants 1 or ''") end
if wait ~= '' then wait = whole(wait, 1, 315360000000) end
if not wait then return redis.error_reply('BADARG wait: wants 1 to 315360000000 ms, or nothing') end

-- Read.
local meta = redis.pcall('HMGET', META, 'schema', 'due', 'cursor', 'base_ttl', 'since', 'returned', 'fence')
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
local known = redis.pcall('ZSCORE', CLAIMS, claim)
if known and known.err then return redis.error_reply('BADARG claims: ' .. known.err) end
if known then
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
  local wrong = mistyped()
  if wrong then return wrong end
  local deadline = tonumber(known)
  if deadline <= now then return redis.error_reply('MORE sweep ' .. claim .. ' first, then call again') end
  local record = read_record(redis.call('HGET', HELD, claim))
  local header = {now, tonumber(record.fence), tonumber(record.ttl), tonumber(record.grace), deadline}
  for _, value in ipairs(holding(record.ids)) do header[#header + 1] = value end
  return header
end
-- `+ 0` converts at half the price of tonumber, which looks at a text twice.
local due, cursor, base_ttl = (meta[2] or math.huge) + 0, meta[3], meta[4] and meta[4] + 0
local since, returned, fence = (meta[5] or 0) + 0, meta[6], math.max((meta[7] or 0) + 1, micros)
local late, counts = now >= due, 1
if late and force ~= '1' then return redis.error_reply('MORE sweep, then call again') end
local deadline = now + ttl
local reply = {now, fence, ttl, grace, deadline}
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

-- Decide. The ttl of message i stands at 4 * i + 4 of the reply.
local outlives = deadline + grace
-- Texts as they came: a number has to be written out, and that costs as much as a small call.
local record = {fence = string.format('%.0f', fence), ttl = ARGV[3], grace = ARGV[4], ids = ids, worker = worker}
local owners, extended, earliest = {}, {}, math.huge
for i = 1, #ids do
  local id, expires = ids[i], expiries[i]
  -- The first of the usual ones is the first of them to expire: where it outlives the claim, so do the others.
  if not expires and (i == 1 or expiries[i - 1] or earliest <= outlives) then
    expires = string.match(id, '^%d+') + reply[4 * i + 4]
  end
  if expires and expires <= deadline then
    reply[4 * i + 4] = reply[4 * i + 4] + outlives - expires
    expires = outlives
    extended[#extended + 1], extended[#extended + 2] = expires, id
    marked[i] = true
  end
  if expires and expires < earliest then earliest = expires end
  owners[2 * i - 1], owners[2 * i] = id, marked[i] and claim .. '+' or claim
end
record.earliest = earliest
local indexed = #extended > 0 and redis.pcall('ZCARD', EXPIRY)
if type(indexed) == 'table' then return redis.error_reply('BADARG expiry: ' .. indexed.err) end

-- Write.
owners[#owners + 1], owners[#owners + 2] = claim, write_record(record)
local wrong = first_write('held', 'HSET', HELD, unpack(owners))
if wrong then return wrong end
redis.call('ZADD', CLAIMS, deadline, claim)
redis.call('HSET', META, 'cursor', position, 'fence', record.fence)
if deadline < due then redis.call('HSET', META, 'due', deadline) end
if emptied then redis.call('HDEL', META, 'returned') end
if #back > 0 then redis.call('ZREM', RETURNED, unpack(back)) end
if #extended > 0 then redis.call('ZADD', EXPIRY, unpack(extended)) end
if #matured > 0 then redis.call('ZREM', DELAYED, unpack(matured)) end
if #expired > 0 then
  redis.call('XDEL', LOG, unpack(expired))
  redis.call('ZREM', EXPIRY, unpack(expired))
  redis.call('ZREM', DELAYED, unpack(expired))
end
return reply

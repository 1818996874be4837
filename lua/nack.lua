-- nack: gives single messages of a claim back, all or none, now or after a delay.
--
-- KEYS
--   log meta held claims returned delayed expiry tries outbox dead
-- ARGV
--   now      integer?  ms  time since 1970; '' = the server's clock
--   claim    uuid      -   the claim's id
--   delay    integer   ms  0 = claimable now; else less than what is left of each message's ttl
--   untried  flag      -   1 = hand the try back: the worker has not tried these messages
--   id...    id        -   1 to 250 ids of messages that the claim holds; one given twice counts once
-- REPLY
--   flat: how many messages were given back, how many letters wait in the outbox
-- ERRORS
--   CLAIMGONE MESSAGEGONE NOTCLAIMED NOTYOURS BADARG TOOLARGE NEWERSCHEMA
--   CLAIMGONE comes first: a repeated nack says NOTCLAIMED while the claim holds other messages, else CLAIMGONE
-- COST
--   O(ids + messages of the claim)
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   safe
--   NOTCLAIMED while the claim holds other messages, else CLAIMGONE; later maybe NOTYOURS or MESSAGEGONE. After a
--   lost answer take all four for: no longer yours
if #KEYS ~= 10 or #ARGV < 5 then return redis.error_reply('BADARG call: wants 10 keys and at least 5 arguments') end
local LOG, META, HELD, CLAIMS, RETURNED, DELAYED, EXPIRY, TRIES, OUTBOX, DEAD = unpack(KEYS)
local now, claim, delay, untried = unpack(ARGV, 1, 4)

-- {{{ lib/whole
-- A whole number from low to high, or nil. Digits only: no sign, fraction, exponent, NaN, blank.
local function whole(text, low, high)
  local number = #text <= 16 and string.find(text, '^%d+$') and text + 0
  return number and number >= low and number <= high and number or nil
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
local given = now ~= ''
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
  return redis.error_reply('CLAIMGONE ' .. shown(claim) .. ' is no claim id')
end
delay = whole(delay, 0, 315360000000)
if not delay then return redis.error_reply('BADARG delay: wants 0 to 315360000000 ms') end
if untried ~= '' and untried ~= '1' then return redis.error_reply("BADARG untried: wants 1 or ''") end
if #ARGV > 254 then return redis.error_reply('TOOLARGE ids: ' .. #ARGV - 4 .. ', at most 250') end

-- Read.
local wrong = mistyped()
if wrong then return wrong end
local meta = redis.call('HMGET', META, 'schema', 'due', '_max_claim_count', '_dead_letter_queue',
  '_dead_letter_queue_messages_ttl', 'waiting_until')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
-- {{{ lib/dead_rules
-- When a message is dead and where it goes, from meta: schema, due, and these three reserved values in this order.
local due, max_claims, dead_letter_queue = tonumber(meta[2]) or math.huge, tonumber(meta[3]), meta[4]
local dead_ttl = tonumber(meta[5]) or 1209600000
-- }}}
local waiting_until = meta[6]
local deadline = tonumber(redis.call('ZSCORE', CLAIMS, claim) or nil)
if not deadline or deadline <= now then return redis.error_reply('CLAIMGONE ' .. claim .. ' is gone; claim again') end
local record = read_record(redis.call('HGET', HELD, claim))
local owners = redis.call('HMGET', HELD, unpack(ARGV, 5))
local ids, gone = {}, {}
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
for i, owner in ipairs(owners) do
  local id = ARGV[i + 4]
  if not padded(id) then return redis.error_reply('MESSAGEGONE ' .. shown(id) .. ' is no message id') end
  local holder = owner and string.sub(owner, 1, 36)
  if holder ~= claim then
    local expires = lives(id)
    if not expires then return redis.error_reply('MESSAGEGONE ' .. id .. ' is gone') end
    local other = holder and tonumber(redis.call('ZSCORE', CLAIMS, holder) or nil)
    if other and other > now then return redis.error_reply('NOTYOURS ' .. id .. ' is held by ' .. holder) end
    return redis.error_reply('NOTCLAIMED ' .. id .. ' is held by no claim')
  end
  if delay > 0 and delay >= lives(id) - now then
    return redis.error_reply('BADARG delay: wants less than what is left of the ttl of ' .. id)
  end
  if not gone[id] then
    ids[#ids + 1], gone[id] = id, true
  end
end

-- {{{ lib/last_id
-- The last id that a stream has given, deleted or not; 0-0 where there was none.
local function last_id(stream)
  local info = redis.call('EXISTS', stream) == 1 and redis.call('XINFO', 'STREAM', stream) or {}
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
  return '0-0'
end
-- }}}
-- {{{ lib/next_id
-- The id for an XADD: the server's own, or where the caller brings the time one of that ms, after the last one given.
local function next_id(stream)
  if not given then return '*' end
  local ms, seq = string.match(last_id(stream), '^(%d+)%-(%d+)$')
  if now > tonumber(ms) then return now .. '-0' end
  return ms .. '-' .. string.format('%.0f', seq + 1)
end
-- }}}
-- {{{ lib/bury
-- The tag that the keys of another queue of this project have.
local function tag_of(name)
  local function encoded(byte) return string.format('%%%02X', string.byte(byte)) end
  return string.match(LOG, '{([^/]*/)') .. string.gsub(name, '[%%/{}%c]', encoded)
end

-- The letter that a message becomes, and where it goes: nil where no dead-letter queue is named, or where it has
-- been there before.
local function letter_of(envelope, id, claims)
  local offset, ttl, client, extras = cmsgpack.unpack_limit(envelope, 2, 1)
  if string.byte(envelope) == 148 then offset, extras = cmsgpack.unpack_limit(envelope, 1, offset) end
  local here = string.match(LOG, '{(.*)}')
  local to = dead_letter_queue and tag_of(dead_letter_queue)
  extras = extras or {}
  local from = extras.from or {}
  from[#from + 1] = here
  for _, tag in ipairs(from) do
    if tag == to then to = nil end
  end
  local letter = '\148' .. cmsgpack.pack(dead_ttl) .. cmsgpack.pack(client)
    .. cmsgpack.pack({from = from, id = id, claims = claims, died = now, ttl = extras.ttl or ttl,
      redriven = extras.redriven}) .. string.sub(envelope, offset + 1)
  return letter, to
end

-- Moves a message whose claims are used up out of the log: to the outbox, addressed to the dead-letter queue, or to the
-- queue's own store. Answers when it falls due, if ever.
local function bury(id, claims)
  local falls_due = math.huge
  local entry = redis.call('XRANGE', LOG, id, id)[1]
  if entry then
    -- What is no envelope, and so nobody's message, is kept as it is.
    local sound, letter, to = pcall(letter_of, entry[2][2], id, claims)
    if not sound then letter, to = entry[2][2], nil end
    if to then
      redis.call('XADD', OUTBOX, next_id(OUTBOX), 'to', to, 'm', letter)
    else
      redis.call('XADD', DEAD, next_id(DEAD), 'm', letter)
      falls_due = now + dead_ttl
    end
  end
  redis.call('XDEL', LOG, id)
  redis.call('ZREM', EXPIRY, id)
  redis.call('HDEL', TRIES, id)
  return falls_due
end
-- }}}
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
-- {{{ lib/let_go
-- What becomes of messages whose claim ends: claimable again at their old places, or after a delay, or dead where their
-- claims are used up. tried is 1, or 0 where the try is handed back. Writes, HDEL first; the record is the caller's.
local function let_go(ids, tried, delay)
  local counts = redis.call('HMGET', TRIES, unpack(ids))
  redis.call('HDEL', HELD, unpack(ids))
  local returned, delayed, tries = {}, {}, {}
  local soonest = math.huge
  for i, id in ipairs(ids) do
    local count = (tonumber(counts[i]) or 0) + tried
    if max_claims and count >= max_claims then
      soonest = math.min(soonest, bury(id, count))
    else
      if tried > 0 then tries[#tries + 1], tries[#tries + 2] = id, count end
      if delay > 0 then
        delayed[#delayed + 1], delayed[#delayed + 2] = now + delay, id
        soonest = math.min(soonest, now + delay)
      else
        returned[#returned + 1], returned[#returned + 2] = 0, padded(id)
      end
    end
  end
  if #tries > 0 then redis.call('HSET', TRIES, unpack(tries)) end
  if #delayed > 0 then redis.call('ZADD', DELAYED, unpack(delayed)) end
  if #returned > 0 then
    redis.call('ZADD', RETURNED, unpack(returned))
    redis.call('HSET', META, 'returned', 1)
  end
  if soonest < due then
    due = soonest
    redis.call('HSET', META, 'due', due)
  end
  if #returned > 0 then
    wake(0)
  elseif #delayed > 0 then
    wake(now + delay)
  end
end
-- }}}
-- Write.
redis.call('HDEL', META, '')
strip(claim, record, gone)
let_go(ids, untried == '1' and 0 or 1, delay)
return {#ids, redis.call('XLEN', OUTBOX)}

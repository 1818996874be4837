-- sweep: the housekeeping, in bounded steps: ends claims that have lapsed, hands back what has matured, drops what has
-- expired, and says when something falls due next. Whoever is answered MORE calls it, and then its own script again.
--
-- KEYS
--   log meta held claims returned delayed expiry tries outbox dead
-- ARGV
--   now     integer?  ms     time since 1970; '' = the server's clock
--   claim   uuid?     -      a claim to end first, if it has lapsed; '' = none
--   budget  integer?  count  messages to look at in each step, 1 to 1000; '' = 100
-- REPLY
--   flat: 1 where there is more to do, else 0; how many letters wait in the outbox
-- ERRORS
--   BADARG NEWERSCHEMA
-- COST
--   O(budget), one claim over it; expired messages of the base ttl go 5,000 a call
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   safe
--   the same, or nearer to the end
if #KEYS ~= 10 or #ARGV ~= 3 then return redis.error_reply('BADARG call: wants 10 keys and 3 arguments') end
local LOG, META, HELD, CLAIMS, RETURNED, DELAYED, EXPIRY, TRIES, OUTBOX, DEAD = unpack(KEYS)
local now, claim, budget = unpack(ARGV)

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
budget = budget == '' and 100 or whole(budget, 1, 1000)
if not budget then return redis.error_reply('BADARG budget: wants 1 to 1000') end
if claim ~= '' and not is_claim_id(claim) then return redis.error_reply('BADARG claim: wants a UUID') end

-- Read.
local wrong = mistyped()
if wrong then return wrong end
local meta = redis.call('HMGET', META, 'schema', 'due', '_max_claim_count', '_dead_letter_queue',
  '_dead_letter_queue_messages_ttl', 'cursor', 'base_ttl', 'reaped', 'waiting_until')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
if not meta[1] then return {0, redis.call('XLEN', OUTBOX)} end
-- {{{ lib/dead_rules
-- When a message is dead and where it goes, from meta: schema, due, and these three reserved values in this order.
local due, max_claims, dead_letter_queue = tonumber(meta[2]) or math.huge, tonumber(meta[3]), meta[4]
local dead_ttl = tonumber(meta[5]) or 1209600000
-- }}}
local cursor, base_ttl, reaped = meta[6] or '', whole(meta[7] or '', 1, 315360000000), meta[8] or '0-0'
local waiting_until = meta[9]
-- What somebody else wrote is noticed here, and not in the middle of the writes.
if not whole(dead_ttl .. '', 1, 315360000000) then dead_ttl = 1209600000 end
if not (padded(cursor) and padded(reaped)) then
  return redis.error_reply('BADARG meta: cursor and reaped want an id each')
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
-- Claims first: what a lapsed claim held may be dead, and is then not for the reaper. Each of these answers whether it
-- has come to the end of its kind.
local function end_lapsed_claims()
  local lapsed = redis.call('ZRANGEBYSCORE', CLAIMS, '-inf', now, 'LIMIT', 0, budget)
  local named = claim ~= '' and redis.call('ZSCORE', CLAIMS, claim)
  if named and tonumber(named) <= now then table.insert(lapsed, 1, claim) end
  if #lapsed == 0 then return true end
  local records, ended, ids, seen = redis.call('HMGET', HELD, unpack(lapsed)), {}, {}, {}
  for i, id in ipairs(lapsed) do
    if #ids < budget and not seen[id] then
      seen[id], ended[#ended + 1] = true, id
      local sound, record = pcall(read_record, records[i])
      for _, message in ipairs(sound and record.ids or {''}) do
        if not padded(message) then
          return nil, redis.error_reply('BADARG held: ' .. shown(id) .. ' has no record of a claim')
        end
        ids[#ids + 1] = message
      end
    end
  end
  redis.call('HDEL', HELD, unpack(ended))
  redis.call('ZREM', CLAIMS, unpack(ended))
  let_go(ids, 1, 0)
  return #ids < budget
end

local function hand_back_matured()
  local matured = redis.call('ZRANGEBYSCORE', DELAYED, '-inf', now, 'LIMIT', 0, budget)
  if #matured == 0 then return true end
  local members = {}
  for _, id in ipairs(matured) do
    -- After the cursor it is claimable where it stands.
    local member = padded(id)
    if member and member <= padded(cursor) then members[#members + 1], members[#members + 2] = 0, member end
  end
  redis.call('ZREM', DELAYED, unpack(matured))
  if #members > 0 then redis.call('ZADD', RETURNED, unpack(members)) end
  wake(0)
  return #matured < budget
end

-- Without what stands in an index and is no id, which no script has put there.
local function only_ids(members)
  local ids = {}
  for _, member in ipairs(members) do
    if padded(member) then ids[#ids + 1] = member end
  end
  return ids
end

local function drop_indexed()
  local expired = redis.call('ZRANGEBYSCORE', EXPIRY, '-inf', now, 'LIMIT', 0, budget)
  if #expired == 0 then return true end
  local ids = only_ids(expired)
  if #ids > 0 then forget(ids) end
  if #ids < #expired then redis.call('ZREM', EXPIRY, unpack(expired)) end
  return #expired < budget
end

-- Drops what a stream has before `border`: whole nodes at little cost, the rest of the last by XDEL. (An exact XTRIM
-- by MINID empties a node that the border runs through, on 6.2.)
local function trim(stream, border)
  local gone = 0
  repeat
    local count = redis.call('XTRIM', stream, 'MINID', '~', border, 'LIMIT', 5000)
    gone = gone + count
    if gone > 4000 then return false end
  until count == 0
  local ids = {}
  for i, entry in ipairs(redis.call('XRANGE', stream, '-', '(' .. border, 'COUNT', budget)) do ids[i] = entry[1] end
  if #ids > 0 then redis.call('XDEL', stream, unpack(ids)) end
  return #ids < budget
end

-- What expires in the log's order: its head, up to `border`, but for what `expiry` has.
local function drop_in_order()
  local border = base_ttl and now - base_ttl or -1
  if border < 0 then return true end
  if redis.call('ZCARD', EXPIRY) == 0 then
    local members = redis.call('ZRANGEBYLEX', RETURNED, '-', '(' .. padded(border + 1 .. '-0'), 'LIMIT', 0, budget)
    if #members > 0 then
      local last = members[#members]
      for i, member in ipairs(members) do members[i] = unpadded(member) end
      local ids = only_ids(members)
      if #ids > 0 then forget(ids) end
      redis.call('ZREMRANGEBYLEX', RETURNED, '-', '[' .. last)
      return false
    end
    return trim(LOG, border + 1 .. '-0')
  end
  local entries = redis.call('XRANGE', LOG, '(' .. reaped, border, 'COUNT', budget)
  if #entries == 0 then return true end
  local ids, expired = {}, {}
  for i, entry in ipairs(entries) do ids[i] = entry[1] end
  for i, indexed in ipairs(redis.call('ZMSCORE', EXPIRY, unpack(ids))) do
    if not indexed then expired[#expired + 1] = ids[i] end
  end
  if #expired > 0 then forget(expired) end
  reaped = ids[#ids]
  return #ids < budget
end

-- Looks for the first message after `position` that is not in `index`, and leaves `position` before it. Answers its id,
-- or nil at the end of the log; and whether that is certain.
local function first_outside(index, position)
  local count = 1
  for _ = 1, 2 do
    local entries = redis.call('XRANGE', LOG, '(' .. position, '+', 'COUNT', count)
    for _, entry in ipairs(entries) do
      if not redis.call('ZSCORE', index, entry[1]) then return entry[1], position, true end
      position = entry[1]
    end
    if #entries < count then return nil, position, true end
    count = budget
  end
  return nil, position, false
end

-- Write.
redis.call('HDEL', META, '')
local done, unsound = end_lapsed_claims()
if unsound then return unsound end
done = done and hand_back_matured() and drop_indexed() and drop_in_order()
  and (now < dead_ttl or redis.call('XLEN', DEAD) == 0 or trim(DEAD, now - dead_ttl + 1 .. '-0'))
local first
if done then first, reaped, done = first_outside(EXPIRY, reaped) end
if done and redis.call('ZCARD', DELAYED) > 0 then
  -- What is delayed must not stand between the cursor and what is claimable.
  local _, position, sure = first_outside(DELAYED, cursor)
  cursor, done = position, sure
end
redis.call('HSET', META, 'cursor', cursor, 'reaped', reaped)
if redis.call('ZCARD', RETURNED) > 0 then
  redis.call('HSET', META, 'returned', 1)
else
  redis.call('HDEL', META, 'returned')
end
if not done then return {1, redis.call('XLEN', OUTBOX)} end

local next_due = first and base_ttl and string.match(first, '^%d+') + base_ttl or math.huge
for _, index in ipairs({CLAIMS, DELAYED, EXPIRY}) do
  next_due = math.min(next_due, tonumber(redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')[2]) or math.huge)
end
local letter = redis.call('XRANGE', DEAD, '-', '+', 'COUNT', 1)[1]
if letter then next_due = math.min(next_due, string.match(letter[1], '^%d+') + dead_ttl) end
if next_due < math.huge then
  redis.call('HSET', META, 'due', next_due)
else
  redis.call('HDEL', META, 'due')
end
-- With nothing left that expires in order, the next post sets the base anew.
if not first then redis.call('HDEL', META, 'base_ttl', 'since') end
return {0, redis.call('XLEN', OUTBOX)}

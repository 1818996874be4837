-- repair: mends what `check` has found, as far as it is still wrong when this call looks.
-- No body is made, changed or deleted. In doubt a message is delivered once more rather than not at all, and no message
-- comes to be held by two claims. Called on what is sound it writes nothing.
--
-- KEYS
--   log meta held claims returned delayed expiry tries
-- ARGV
--   now       integer?  ms  time since 1970, for waking those who wait; '' = the server's clock
--   part      text      -   the part in which check found it
--   about...  text      -   1 to 250 of what check said it was about; meta is looked at in any case
-- REPLY
--   flat: how many of them this call looked at (call again with the others), then for each thing that was done or left:
--   about as it was given (or meta), 1 where it is mended or 0 where it is left, and a sentence
-- ERRORS
--   BADARG TOOLARGE NEWERSCHEMA
-- COST
--   O(things looked at): about 100 messages, one claim over it
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   safe
--   what is still wrong, or has become so
if #KEYS ~= 8 or #ARGV < 3 then return redis.error_reply('BADARG call: wants 8 keys and at least 3 arguments') end
local LOG, META, HELD, CLAIMS, RETURNED, DELAYED, EXPIRY, TRIES = unpack(KEYS)
local now, part = ARGV[1], ARGV[2]

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
-- {{{ lib/look_up
-- What stands under a name, as it has to be, or nil: a message's entry in the log, the ttl in its envelope, and the
-- record of a claim with its ids still joined.
local function entry_of(id)
  local entry = padded(id) and redis.call('XRANGE', LOG, id, id)[1]
  return entry and entry[1] == id and entry or nil
end

local function ttl_of(envelope)
  local kind = string.byte(envelope)
  local read, _, ttl = pcall(cmsgpack.unpack_limit, envelope, 1, 1)
  local sound = read and (kind == 147 or kind == 148) and type(ttl) == 'number' and ttl % 1 == 0
  return sound and ttl > 0 and ttl < 9007199254740992 and ttl or nil
end

local function record_from(text)
  if not text or #text > 9216 then return nil end
  local fence, ttl, grace, earliest, ids, worker = string.match(text, '^(%d+) (%d+) (%d+) (%d+) (%S+) (.*)$')
  if not (fence and whole(fence, 0, 9007199254740991) and whole(ttl, 0, 9007199254740991)
    and whole(grace, 0, 9007199254740991) and whole(earliest, 0, 9007199254740991)) then
    return nil
  end
  return {fence = fence, ttl = ttl, grace = grace, earliest = earliest, joined = ids, worker = worker}
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
local parts = {log = 1, meta = 1, held = 1, claims = 1, returned = 1, delayed = 1, expiry = 1, tries = 1}
if not parts[part] then
  return redis.error_reply('BADARG part: wants log meta held claims returned delayed expiry or tries')
end
if #ARGV > 252 then return redis.error_reply('TOOLARGE about: ' .. #ARGV - 2 .. ', at most 250') end

-- Read.
local wrong = mistyped()
if wrong then return wrong end
local meta = redis.call('HMGET', META, 'schema', 'waiting_until')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
local waiting_until = whole(meta[2] or '', 0, 9007199254740991)
local reply, looked, freed, given = {0}, 0, false, 'meta'

local function told(about, is_mended, sentence)
  local n = #reply
  if about ~= given then sentence = about .. ' ' .. sentence end
  reply[n + 1], reply[n + 2], reply[n + 3] = given, is_mended, sentence
end

local function mended(about, sentence) told(about, 1, sentence) end

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
-- {{{ lib/meta_flaws
-- What is wrong with the fields of meta: pairs of a field and a sentence.
local function meta_flaws()
  local flaws = {}
  local function flawed(field, sentence) flaws[#flaws + 1] = {field, sentence} end
  local place, reaped = unpack(redis.call('HMGET', META, 'cursor', 'reaped'))
  if not (place and padded(place)) then
    flawed('cursor', 'is no id')
  elseif padded(place) > padded(last_id(LOG)) then
    flawed('cursor', 'is after the last id that the log gave')
  end
  if reaped and not padded(reaped) then flawed('reaped', 'is no id') end
  local names = {
    'due', 'fence', 'waiting_until', 'tokens_since', 'base_ttl', 'since', '_default_message_ttl',
    '_default_message_delay', '_max_claim_count', '_dead_letter_queue_messages_ttl', '_max_messages_post_size',
  }
  local values = redis.call('HMGET', META, unpack(names))
  for i, name in ipairs(names) do
    if values[i] and not whole(values[i], 0, 9007199254740991) then flawed(name, 'is no number') end
  end
  if values[5] and not values[6] then flawed('since', 'is not there, and base_ttl is') end
  return flaws
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
-- Write. What follows looks and mends, one thing at a time; all refusals have been made. A script that has written is
-- not refused at maxmemory.
redis.call('HDEL', META, '')

-- A queue without meta, or its schema: around messages it is made anew, and none of them counts as fresh; without any,
-- what is left over holds nobody's data.
local function remake()
  if redis.call('EXISTS', unpack(KEYS)) == 0 then return false end
  if redis.call('EXISTS', META) == 0 and redis.call('XLEN', LOG) == 0 then
    for _, key in ipairs(KEYS) do
      given = string.match(key, '[^:]*$')
      if redis.call('UNLINK', key) == 1 then mended(given, 'is dropped: there are neither meta nor messages') end
    end
    return false
  end
  for field, value in pairs({created = now, cursor = last_id(LOG), fence = 0}) do
    redis.call('HSETNX', META, field, value)
  end
  redis.call('HSET', META, 'schema', 1, 'due', 0)
  mended('meta', 'is made anew; metadata and limits that it lacks are lost, set them again')
  return true
end

-- What each field falls back to, on the side on which no message is lost: looked at once more, or indexed.
local function mend_meta()
  for _, flaw in ipairs(meta_flaws()) do
    local field, last = flaw[1], last_id(LOG)
    local value = ({cursor = last, due = 0, fence = 0, since = string.match(last, '^%d+')})[field]
    if string.sub(field, 1, 1) == '_' then
      told('meta', 0, field .. ' ' .. flaw[2] .. ': set the metadata of the queue again')
    elseif value then
      redis.call('HSET', META, field, value)
      mended('meta', field .. ' is set to ' .. value)
    else
      redis.call('HDEL', META, field)
      mended('meta', field .. ' is dropped')
    end
  end
end

if not meta[1] and not remake() then
  reply[1] = #ARGV - 2
  return reply
end
mend_meta()
meta = redis.call('HMGET', META, 'due', 'cursor', 'base_ttl', 'reaped', 'fence', 'returned', 'since')
local due, cursor, base_ttl = tonumber(meta[1]) or math.huge, padded(meta[2]), tonumber(meta[3])
local reaped, fence, since = padded(meta[4] or '0-0'), tonumber(meta[5]) or 0, tonumber(meta[7]) or 0
local is_returned = meta[6] == '1'

local function lower_due(about, at)
  if at >= due then return end
  due = at
  redis.call('HSET', META, 'due', string.format('%.0f', at))
  mended(about, '`due` is lowered to it')
end

-- A claim that can be: its record, its deadline among it; false where it can't. Each is read once.
local claims = {}
local function claim_of(claim)
  if claims[claim] ~= nil then return claims[claim] end
  local record = is_claim_id(claim) and record_from(redis.call('HGET', HELD, claim))
  local deadline = record and redis.call('ZSCORE', CLAIMS, claim)
  record = deadline and whole(deadline, 0, 9007199254740991) and record or false
  if record then
    record.deadline, record.ids, record.listed = tonumber(deadline), {}, {}
    for id in string.gmatch(record.joined, '[^,]+') do
      record.ids[#record.ids + 1], record.listed[id] = id, true
    end
    record = #record.ids <= 250 and record
  end
  claims[claim] = record
  return record
end

local function save(claim, record)
  if #record.ids == 0 then
    redis.call('HDEL', HELD, claim)
    redis.call('ZREM', CLAIMS, claim)
    claims[claim] = false
    return mended(claim, 'is ended: it holds nothing')
  end
  redis.call('HSET', HELD, claim, write_record(record))
end

-- Where a message stands: with one claim, returned, or delayed; and after the cursor it is fresh, or delayed.
local function mend_place(id, at)
  local after, member = padded(id) > cursor, padded(id)
  if after and (at.owner or at.returned or at.delayed and at.tries) then
    redis.call('HSET', META, 'cursor', id)
    cursor, after = member, false
    mended(id, 'the cursor is moved up to it')
  end
  if after and at.tries then
    redis.call('HDEL', TRIES, id)
    at.tries = nil
    mended(id, 'its tries are dropped: it was never claimed')
  end
  local misplaced = at.owner or at.returned or after and string.byte(at.envelope) == 147
  if at.delayed and (misplaced or at.delayed >= at.expires) then
    redis.call('ZREM', DELAYED, id)
    at.delayed, freed = nil, true
    mended(id, 'is delayed no longer')
  end
  if at.returned and at.owner then
    redis.call('ZREM', RETURNED, member)
    at.returned = nil
    mended(id, 'is held, and returned no longer')
  elseif at.returned and at.returned ~= '0' or not after and not (at.owner or at.returned or at.delayed) then
    redis.call('ZADD', RETURNED, 0, member)
    at.returned, freed = '0', true
    mended(id, 'is claimable again, at its old place')
  end
  if at.returned and not is_returned then
    redis.call('HSET', META, 'returned', 1)
    is_returned = true
    mended(id, 'is returned, and meta says so')
  end
end

-- When it expires: in the log's order, or as `expiry` has it; never before the claim that holds it.
local function mend_expiry(id, at, record)
  local member, expires = padded(id), at.expires
  if record and expires < record.deadline then expires = record.deadline + record.grace end
  local in_order = at.ttl == base_ttl and expires == at.ms + at.ttl and member > reaped
  local unread = member > cursor and at.ttl == base_ttl and at.ms > since and string.byte(at.envelope) == 147
  if at.expiry and unread and member > reaped then
    redis.call('ZREM', EXPIRY, id)
    at.expiry, expires = nil, at.ms + at.ttl
    mended(id, 'expires in order, and is out of expiry')
  elseif at.expiry ~= expires and not (in_order and not at.expiry) then
    redis.call('ZADD', EXPIRY, string.format('%.0f', expires), id)
    at.expiry = expires
    mended(id, string.format('expires at %.0f, as expiry says now', expires))
  end
  if at.expiry and unread and at.ms > since then
    since = at.ms
    redis.call('HSET', META, 'since', string.format('%.0f', since))
    mended(id, 'stands in expiry, and `since` says that claims have to look there')
  end
  at.expires = expires
end

local function mend_message(id, entry)
  looked = looked + 1
  local envelope, ms = entry[2][2], string.match(id, '^%d+') + 0
  local at = {envelope = envelope, ms = ms, ttl = ttl_of(envelope)}
  if not at.ttl then
    return told(id, 0, 'its envelope can not be read, and no operation gets past it: keep it elsewhere, then XDEL it')
  end
  at.owner, at.tries = redis.call('HGET', HELD, id) or nil, redis.call('HGET', TRIES, id) or nil
  at.returned = redis.call('ZSCORE', RETURNED, padded(id)) or nil
  at.delayed = tonumber(redis.call('ZSCORE', DELAYED, id) or nil)
  at.expiry = tonumber(redis.call('ZSCORE', EXPIRY, id) or nil)
  at.expires = at.expiry and whole(string.format('%.0f', at.expiry), 0, 9007199254740991) or ms + at.ttl
  local claim = at.owner and string.sub(at.owner, 1, 36)
  local record = claim and claim_of(claim)
  if claim and not (record and record.listed[id]) then
    redis.call('HDEL', HELD, id)
    at.owner, record = nil, nil
    mended(id, 'is held no longer: no claim lists it')
  end
  if at.tries and not whole(at.tries, 1, 9007199254740991) then
    redis.call('HDEL', TRIES, id)
    at.tries = nil
    mended(id, 'its tries are dropped: they were no number')
  end
  mend_place(id, at)
  mend_expiry(id, at, at.owner and record)
  if at.owner and #at.owner == 36 and (at.expiry or at.tries) then
    redis.call('HSET', HELD, id, claim .. '+')
    mended(id, 'bears the mark of expiry and tries')
  end
  if at.owner and record.earliest + 0 > at.expires then
    record.earliest = string.format('%.0f', at.expires)
    save(claim, record)
    mended(id, '`earliest` of its claim is lowered to its expiry')
  end
  lower_due(id, math.min(at.expires, at.delayed or math.huge))
end

-- A claim keeps what it lists and nobody holds by a larger fence.
local function keeps(claim, record, id)
  if not entry_of(id) then
    mended(claim, 'lists ' .. id .. ' no longer, which is not in the log')
    return false
  end
  local owner = redis.call('HGET', HELD, id)
  local holder = owner and string.sub(owner, 1, 36)
  if holder == claim then return true end
  local other = holder and claim_of(holder)
  if other and other.listed[id] then
    if other.fence + 0 >= record.fence + 0 then
      mended(claim, 'lists ' .. id .. ' no longer, which ' .. holder .. ' holds')
      return false
    end
    for i = #other.ids, 1, -1 do
      if other.ids[i] == id then table.remove(other.ids, i) end
    end
    other.listed[id] = nil
    save(holder, other)
  end
  redis.call('HSET', HELD, id, claim)
  mended(claim, 'holds ' .. id .. ', which it lists')
  return true
end

-- What can't be a claim ends, and is not counted as a try; its messages are claimable again, here or where they are
-- found.
local function end_claim(claim)
  local record = record_from(redis.call('HGET', HELD, claim))
  local removed = redis.call('HDEL', HELD, claim) + redis.call('ZREM', CLAIMS, claim)
  if removed == 0 then return end
  mended(claim, 'is ended: it has no record that can be read, or no deadline; its messages are claimable again')
  for id in string.gmatch(record and record.joined or '', '[^,]+') do
    local entry = looked < 450 and entry_of(id)
    if entry and string.sub(redis.call('HGET', HELD, id) or '', 1, 36) == claim then mend_message(id, entry) end
  end
end

local function mend_claim(claim)
  local record = claim_of(claim)
  if not record then return end_claim(claim) end
  local kept, seen = {}, {}
  for _, id in ipairs(record.ids) do
    if not seen[id] and keeps(claim, record, id) then kept[#kept + 1] = id end
    seen[id] = true
  end
  record.listed = {}
  for _, id in ipairs(kept) do record.listed[id] = true end
  local changed = #kept < #record.ids
  record.ids = kept
  if changed or #kept == 0 then
    save(claim, record)
    mended(claim, 'lists what it holds, once')
  end
  if #kept == 0 then return end
  if record.fence + 0 > fence then
    fence = record.fence + 0
    redis.call('HSET', META, 'fence', record.fence)
    mended(claim, 'its fence is the last one given')
  end
  lower_due(claim, record.deadline)
  for _, id in ipairs(kept) do mend_message(id, entry_of(id)) end
end

-- What is named in an index, and is not in the log.
local function drop(about)
  local indexes = {returned = RETURNED, delayed = DELAYED, expiry = EXPIRY, claims = CLAIMS}
  local owner = part == 'held' and redis.call('HGET', HELD, about)
  local gone = 0
  if part == 'held' or part == 'tries' then
    gone = redis.call('HDEL', part == 'held' and HELD or TRIES, about)
  elseif indexes[part] then
    gone = redis.call('ZREM', indexes[part], about)
  end
  if gone == 1 then mended(about, 'is dropped from ' .. part .. ': it names no message') end
  local claim = owner and string.sub(owner, 1, 36)
  if claim and claim_of(claim) and claims[claim].listed[about] then mend_claim(claim) end
end

local function mend(about)
  if is_claim_id(about) then return mend_claim(about) end
  local id = part == 'returned' and string.gsub(about, '^0*(%d+)%-0*(%d+)$', '%1-%2') or about
  local entry = part ~= 'claims' and entry_of(id)
  if part == 'returned' and padded(id) ~= about or not entry then drop(about) end
  if entry then mend_message(id, entry) end
end

-- A message counts twice, as what was given and as what was looked at.
while reply[1] < #ARGV - 2 and looked < 200 do
  reply[1] = reply[1] + 1
  looked = looked + 1
  given = ARGV[reply[1] + 2]
  mend(given)
end
if freed then wake(0) end
return reply

-- check: looks whether the parts of a queue agree with each other, some entries of one part a call.
-- Each call looks at its entries in every part at once, so live traffic beside it causes no false alarm.
--
-- KEYS
--   log meta held claims returned delayed expiry tries
-- ARGV
--   part    text      -      the part whose entries are looked at: log meta held claims returned delayed expiry tries
--   cursor  text?     -      as the last call answered; '' = from the start
--   count   integer?  count  about how many entries, 1 to 250; '' = 100
-- REPLY
--   flat: the cursor for the next call ('' = the part is done), how many entries this call looked at, then for each
--   violation: what it is about (an id, or the part), and a sentence
-- ERRORS
--   BADARG NEWERSCHEMA
-- COST
--   O(entries looked at + messages of the claims among them)
-- WRITES
--   no
-- MORE
--   no
-- REPEAT
--   safe
--   as it is by then
if #KEYS ~= 8 or #ARGV ~= 3 then return redis.error_reply('BADARG call: wants 8 keys and 3 arguments') end
local LOG, META, HELD, CLAIMS, RETURNED, DELAYED, EXPIRY, TRIES = unpack(KEYS)
local part, position, count = unpack(ARGV)

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
count = count == '' and 100 or whole(count, 1, 250)
if not count then return redis.error_reply('BADARG count: wants 1 to 250') end
local parts = {log = 1, meta = 1, held = 1, claims = 1, returned = 1, delayed = 1, expiry = 1, tries = 1}
if not parts[part] then
  return redis.error_reply('BADARG part: wants log meta held claims returned delayed expiry or tries')
end
if position ~= '' and not (part == 'log' and padded(position) or part ~= 'log' and string.find(position, '^%d+$')) then
  return redis.error_reply('BADARG cursor: wants what the last call answered')
end

local wrong = mistyped()
if wrong then return wrong end
local meta = redis.call('HMGET', META, 'schema', 'due', 'cursor', 'base_ttl', 'reaped', 'fence', 'returned',
  'waiting_until')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. meta[1] .. ' is stored, this script knows 1')
end
-- }}}
local due, cursor, base_ttl = tonumber(meta[2]) or math.huge, meta[3] or '0-0', tonumber(meta[4])
local reaped, fence = meta[5] or '0-0', tonumber(meta[6]) or 0
local reply, looked = {'', 0}, 0

local function violated(about, sentence)
  reply[#reply + 1], reply[#reply + 2] = about, sentence
end

local function in_log(id)
  local entry = padded(id) and redis.call('XRANGE', LOG, id, id)[1]
  return entry and entry[1] == id
end

local function record_of(claim)
  local record = redis.call('HGET', HELD, claim)
  if not record then return nil end
  local parsed, fields = pcall(read_record, record)
  return parsed and fields.fence and fields or nil
end

local function check_message(entry)
  local id, envelope = entry[1], entry[2][2]
  local owner, tries = redis.call('HGET', HELD, id), redis.call('HGET', TRIES, id)
  local returned = redis.call('ZSCORE', RETURNED, padded(id))
  local delayed = tonumber(redis.call('ZSCORE', DELAYED, id) or nil)
  local expiry = tonumber(redis.call('ZSCORE', EXPIRY, id) or nil)
  local places = (owner and 1 or 0) + (returned and 1 or 0) + (delayed and 1 or 0)
  if padded(id) > padded(cursor) then
    if owner or returned then violated(id, 'is after the cursor, and yet held or returned') end
    if tries then violated(id, 'is after the cursor, and yet has tries') end
  elseif places ~= 1 then
    violated(id, 'is in ' .. places .. ' of held, returned and delayed instead of one')
  end
  local whole_envelope, _, ttl = pcall(cmsgpack.unpack_limit, envelope, 1, 1)
  if not whole_envelope or type(ttl) ~= 'number' then
    violated(id, 'has an envelope without a ttl')
  elseif not expiry then
    if ttl ~= base_ttl then violated(id, 'has a ttl of its own, and yet no entry in expiry') end
    if padded(id) <= padded(reaped) then violated(id, 'expires in order, and yet is before `reaped`') end
    if string.match(id, '^%d+') + ttl < due then violated(id, 'expires before `due`') end
  end
  if expiry and expiry < due then violated(id, 'expires before `due`') end
  if delayed and delayed < due then violated(id, 'matures before `due`') end
  if owner and (expiry or tries) and #owner == 36 then violated(id, 'is held without the mark of expiry and tries') end
end

local function check_claim(claim, deadline)
  local record = record_of(claim)
  if not is_claim_id(claim) or not record then return violated(claim, 'has no record in held that can be read') end
  if #record.ids == 0 then violated(claim, 'holds nothing') end
  if tonumber(record.fence) > fence then violated(claim, 'has a fence above the last one given') end
  if tonumber(deadline) < due then violated(claim, 'lapses before `due`') end
  for _, id in ipairs(record.ids) do
    local owner = redis.call('HGET', HELD, id)
    local holds = owner and string.sub(owner, 1, 36) == claim
    if not holds then violated(claim, 'lists ' .. id .. ', which it does not hold') end
    if not in_log(id) then violated(claim, 'lists ' .. id .. ', which is not in the log') end
  end
end

local function check_held(field, value)
  if is_claim_id(field) then
    if not redis.call('ZSCORE', CLAIMS, field) then violated(field, 'has a record, and yet no deadline') end
    return
  end
  if not in_log(field) then return violated(field, 'is held, and yet not in the log') end
  local record, listed = record_of(string.sub(value, 1, 36)), false
  for _, id in ipairs(record and record.ids or {}) do listed = listed or id == field end
  if not listed then violated(field, 'is held by a claim that does not list it') end
end

local function check_returned(member)
  local ms, seq = string.match(member, '^0*(%d+)%-0*(%d+)$')
  if not ms or padded(ms .. '-' .. seq) ~= member then return violated(member, 'is no padded id') end
  if not in_log(ms .. '-' .. seq) then violated(member, 'is returned, and yet not in the log') end
  if meta[7] ~= '1' then violated(member, 'is returned, and yet meta says that none is') end
end

local function check_indexed(id)
  if not in_log(id) then violated(id, 'stands in ' .. part .. ', and yet not in the log') end
end

local function check_meta()
  for field, value in pairs({cursor = cursor, reaped = reaped}) do
    if not padded(value) then violated('meta', field .. ' is no id') end
  end
  for i, field in pairs({[2] = 'due', [4] = 'base_ttl', [6] = 'fence', [8] = 'waiting_until'}) do
    if meta[i] and not whole(meta[i], 0, 9007199254740992) then violated('meta', field .. ' is no number') end
  end
end

local scans = {
  held = {'HSCAN', HELD, check_held}, tries = {'HSCAN', TRIES, check_indexed}, claims = {'ZSCAN', CLAIMS, check_claim},
  returned = {'ZSCAN', RETURNED, check_returned}, delayed = {'ZSCAN', DELAYED, check_indexed},
  expiry = {'ZSCAN', EXPIRY, check_indexed},
}
if not meta[1] then
  for _, key in ipairs(KEYS) do
    if redis.call('EXISTS', key) == 1 then violated(string.match(key, '[^:]*$'), 'stands without meta') end
  end
elseif part == 'log' then
  local entries = redis.call('XRANGE', LOG, position == '' and '-' or '(' .. position, '+', 'COUNT', count)
  for _, entry in ipairs(entries) do check_message(entry) end
  looked = #entries
  if looked == count then reply[1] = entries[looked][1] end
elseif part == 'meta' then
  check_meta()
  looked = 1
else
  local command, key, examine = unpack(scans[part])
  local found = redis.call(command, key, position == '' and '0' or position, 'COUNT', count)
  for i = 1, #found[2], 2 do examine(found[2][i], found[2][i + 1]) end
  looked = #found[2] / 2
  if found[1] ~= '0' then reply[1] = found[1] end
end
reply[2] = looked
return reply

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
--   O(entries looked at, 1 MiB of envelopes, messages of the claims among them)
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
local meta = redis.call('HMGET', META, 'schema', 'due', 'cursor', 'base_ttl', 'reaped', 'fence', 'returned', 'since')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
-- What is no number or id is told of as meta's; elsewhere it counts as what accuses nobody.
local due = meta[2] and (tonumber(meta[2]) or 0) or math.huge
local cursor, reaped = padded(meta[3] or '') or padded('0-0'), padded(meta[5] or '') or padded('0-0')
local base_ttl, fence, since = tonumber(meta[4]), tonumber(meta[6]) or 0, tonumber(meta[8]) or math.huge
local reply = {'', 0}

local function violated(about, sentence)
  reply[#reply + 1], reply[#reply + 2] = about, sentence
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
local function check_place(id, envelope, owner, tries, returned, delayed)
  local places = (owner and 1 or 0) + (returned and 1 or 0) + (delayed and 1 or 0)
  if padded(id) > cursor then
    if owner or returned then violated(id, 'is after the cursor, and yet held or returned') end
    if tries then violated(id, 'is after the cursor, and yet has tries') end
    -- Who claims what was never claimed looks for delays only where the envelope speaks of one.
    if delayed and string.byte(envelope) == 147 then violated(id, 'is delayed, and yet was posted without a delay') end
  elseif places ~= 1 then
    violated(id, 'is in ' .. places .. ' of held, returned and delayed instead of one')
  end
end

local function check_message(id, envelope, owner, tries, returned, delayed, expiry)
  check_place(id, envelope, owner, tries, returned, delayed)
  local ttl, ms = ttl_of(envelope), string.match(id, '^%d+') + 0
  if not ttl then
    violated(id, 'has an envelope that can not be read')
  elseif not expiry then
    if ttl ~= base_ttl then violated(id, 'has a ttl of its own, and yet no entry in expiry') end
    if padded(id) <= reaped then violated(id, 'expires in order, and yet is before `reaped`') end
  elseif padded(id) > cursor and ttl == base_ttl and ms > since and string.byte(envelope) == 147 then
    violated(id, 'expires in order, and yet stands in expiry')
  end
  if expiry and not (expiry % 1 == 0 and expiry < 9007199254740992) then violated(id, 'expires at no time') end
  local expires = expiry or ttl and ms + ttl
  if expires and expires < due then violated(id, 'expires before `due`') end
  if delayed and delayed < due then violated(id, 'matures before `due`') end
  if delayed and expires and delayed >= expires then violated(id, 'is delayed until it has expired') end
  if tries and not whole(tries, 1, 9007199254740991) then violated(id, 'has tries that are no number') end
  if owner and (expiry or tries) and #owner == 36 then violated(id, 'is held without the mark of expiry and tries') end
end

-- Each page of the log is looked up in every index at once.
local function check_log(entries)
  local ids, members = {}, {}
  for i, entry in ipairs(entries) do ids[i], members[i] = entry[1], padded(entry[1]) end
  if #ids == 0 then return end
  local owners, tries = redis.call('HMGET', HELD, unpack(ids)), redis.call('HMGET', TRIES, unpack(ids))
  local returned = redis.call('ZMSCORE', RETURNED, unpack(members))
  local delayed, expiry = redis.call('ZMSCORE', DELAYED, unpack(ids)), redis.call('ZMSCORE', EXPIRY, unpack(ids))
  for i, entry in ipairs(entries) do
    check_message(ids[i], entry[2][2], owners[i], tries[i], returned[i], tonumber(delayed[i] or nil),
      tonumber(expiry[i] or nil))
  end
end

-- A page of a sorted set may hold all claims there are, so of each no more than this is looked at; `held` has the rest.
local function check_claim(claim, deadline)
  if not is_claim_id(claim) or redis.call('HEXISTS', HELD, claim) == 0 then
    violated(claim, 'has a deadline, and yet no record')
  end
  if not whole(deadline, 0, 9007199254740991) then violated(claim, 'has a deadline that is no time') end
  if (tonumber(deadline) or 0) < due then violated(claim, 'lapses before `due`') end
end

local function check_record(claim, text)
  if not redis.call('ZSCORE', CLAIMS, claim) then violated(claim, 'has a record, and yet no deadline') end
  local record, ids, seen = record_from(text), {}, {}
  if not record then return violated(claim, 'has a record that can not be read') end
  if tonumber(record.fence) > fence then violated(claim, 'has a fence above the last one given') end
  for id in string.gmatch(record.joined, '[^,]+') do ids[#ids + 1] = id end
  if #ids > 250 then return violated(claim, 'has a record that can not be read') end
  if #ids == 0 then return violated(claim, 'holds nothing') end
  for i, owner in ipairs(redis.call('HMGET', HELD, unpack(ids))) do
    local holds = owner and string.sub(owner, 1, 36) == claim
    if not holds then violated(claim, 'lists ' .. ids[i] .. ', which it does not hold') end
    if seen[ids[i]] then violated(claim, 'lists ' .. ids[i] .. ' twice') end
    seen[ids[i]] = true
  end
end

local function lists(record, id)
  return string.find(',' .. record.joined .. ',', ',' .. id .. ',', 1, true) ~= nil
end

local records = {}
local function check_held(field, value)
  if is_claim_id(field) then return check_record(field, value) end
  local entry = entry_of(field)
  if not entry then return violated(field, 'is held, and yet not in the log') end
  local claim = string.sub(value, 1, 36)
  if records[claim] == nil then records[claim] = record_from(redis.call('HGET', HELD, claim)) or false end
  local record = records[claim]
  if not record or not is_claim_id(claim) or not lists(record, field) then
    return violated(field, 'is held by a claim that does not list it')
  end
  local ttl, deadline = ttl_of(entry[2][2]), tonumber(redis.call('ZSCORE', CLAIMS, claim) or nil) or 0
  local expires = tonumber(redis.call('ZSCORE', EXPIRY, field) or nil) or ttl and string.match(field, '^%d+') + ttl
  if expires and expires < deadline then violated(field, 'expires before the claim that holds it') end
  if expires and expires < tonumber(record.earliest) then violated(field, 'expires before `earliest` of its claim') end
end

local function check_returned(member, score)
  local id = string.gsub(member, '^0*(%d+)%-0*(%d+)$', '%1-%2')
  if padded(id) ~= member then return violated(member, 'is no padded id') end
  if not entry_of(id) then violated(member, 'is returned, and yet not in the log') end
  if score ~= '0' then violated(member, 'has a score, and so another place in the order') end
  if meta[7] ~= '1' then violated(member, 'is returned, and yet meta says that none is') end
end

local function check_indexed(id)
  if not entry_of(id) then violated(id, 'stands in ' .. part .. ', and yet not in the log') end
end

-- So many entries, or fewer where they are large: a page is not to hold the server up.
local function log_page()
  local entries, size, last = {}, 0, position == '' and '-' or '(' .. position
  while #entries < count and size < 1048576 do
    local want = math.min(count - #entries, 25)
    local some = redis.call('XRANGE', LOG, last, '+', 'COUNT', want)
    for _, entry in ipairs(some) do
      entries[#entries + 1], size, last = entry, size + #entry[2][2], '(' .. entry[1]
    end
    if #some < want then return entries, '' end
  end
  return entries, entries[#entries][1]
end

-- The same of a hash or sorted set: where records of large claims come together, fewer are asked for.
local function scan_page(command, key)
  local many = count
  while true do
    local page, work = redis.call(command, key, position == '' and '0' or position, 'COUNT', many), 0
    for i = 2, #page[2], 2 do work = work + 1 + (part == 'held' and math.floor(#page[2][i] / 40) or 0) end
    many = math.floor(many / 4)
    if work <= 1000 or many == 0 then return page[2], page[1] == '0' and '' or page[1] end
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
  local entries, next_position = log_page()
  check_log(entries)
  reply[1], reply[2] = next_position, #entries
elseif part == 'meta' then
  for _, flaw in ipairs(meta_flaws()) do violated('meta', flaw[1] .. ' ' .. flaw[2]) end
  reply[2] = 1
else
  local command, key, examine = unpack(scans[part])
  local found, next_position = scan_page(command, key)
  for i = 1, #found, 2 do examine(found[i], found[i + 1]) end
  reply[1], reply[2] = next_position, #found / 2
end
return reply

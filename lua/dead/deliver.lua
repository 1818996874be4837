-- dead/deliver: puts letters from another queue's outbox into this one, in the outbox's order, each exactly once:
-- `taken` has the last outbox id that came from there, and what is not above it is passed over.
-- Give every letter of the outbox that is addressed here, none left out.
--
-- KEYS
--   log meta delayed expiry taken
-- ARGV
--   now        integer?  ms  time since 1970; '' = the server's clock
--   source     text      -   tag of the queue whose outbox it is
--   id...      id        -   the letter's id in the outbox, growing
--   letter...  envelope  -   the letter as it stands there
-- REPLY
--   how many letters were new
-- ERRORS
--   QUEUEGONE BADARG TOOLARGE NEWERSCHEMA
-- COST
--   O(letters)
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   safe
--   0 new
if #KEYS ~= 5 or #ARGV < 4 or #ARGV % 2 == 1 then
  return redis.error_reply('BADARG call: wants 5 keys, 2 arguments, and 2 more for each letter')
end
local LOG, META, DELAYED, EXPIRY, TAKEN = unpack(KEYS)
local now, source = ARGV[1], ARGV[2]

-- {{{ lib/whole
-- A whole number from low to high, or nil. Digits only: no sign, fraction, exponent, NaN, blank.
local function whole(text, low, high)
  local number = #text <= 16 and string.find(text, '^%d+$') and text + 0
  return number and number >= low and number <= high and number or nil
end
-- }}}
-- {{{ lib/bin_length
-- How many bytes the msgpack bin holds that a text is from `at` on, and where these begin; nil where that is no bin, or
-- an empty or cut one.
local function bin_length(text, at)
  local kind, a, b, c, d = string.byte(text, at, at + 4)
  local head = kind == 196 and 2 or kind == 197 and 3 or kind == 198 and 5
  local length = head == 2 and a or head == 3 and b and a * 256 + b
    or head == 5 and d and ((a * 256 + b) * 256 + c) * 256 + d
  if length and length > 0 and #text == at - 1 + head + length then return length, at + head end
end
-- }}}
-- {{{ lib/sound_extras
-- Whether the extras of a letter are such as the scripts write: those that meet it later read them in the middle of
-- their writes, and trust them.
local function sound_extras(extras)
  if type(extras) ~= 'table' then return false end
  for name, low in pairs({ttl = 1, redriven = 0}) do
    local value = extras[name]
    local whole = type(value) == 'number' and value % 1 == 0 and value >= low and value <= 315360000000
    if value ~= nil and not whole then return false end
  end
  if extras.from == nil then return true end
  if type(extras.from) ~= 'table' or #extras.from == 0 then return false end
  for _, tag in ipairs(extras.from) do
    if type(tag) ~= 'string' or not string.find(tag, '^[^/{}]*/[^/{}]+$') then return false end
  end
  return true
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
if #ARGV > 502 then return redis.error_reply('TOOLARGE letters: ' .. #ARGV / 2 - 1 .. ', at most 250') end
if not string.find(source, '^[^/{}]*/[^/{}]+$') then return redis.error_reply('BADARG source: wants a tag') end

-- Read.
local wrong = mistyped()
if wrong then return wrong end
local meta = redis.call('HMGET', META, 'schema', 'base_ttl', 'due', 'waiting_until')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
if not meta[1] then return redis.error_reply('QUEUEGONE create it, then deliver again') end
local base_ttl, due, waiting_until = tonumber(meta[2]), tonumber(meta[3]) or math.huge, meta[4]
local last = redis.call('HGET', TAKEN, source) or '0-0'

-- Decide.
local letters, ttls, delays = {}, {}, {}
local previous = '0-0'
for i = 3, #ARGV, 2 do
  local id, letter = ARGV[i], ARGV[i + 1]
  if not padded(id) or padded(id) <= padded(previous) then
    return redis.error_reply('BADARG id: wants ids of the outbox, growing')
  end
  previous = id
  local sound, offset, ttl, client, extras = pcall(cmsgpack.unpack_limit, letter, 3, 1)
  sound = sound and string.byte(letter) == 148 and type(ttl) == 'number' and ttl >= 1 and ttl <= 315360000000
    and ttl % 1 == 0 and type(client) == 'string' and sound_extras(extras) and bin_length(letter, offset + 1)
  if not sound then return redis.error_reply('BADARG letter: ' .. id .. ' is not as an outbox has it') end
  if padded(id) > padded(last) then
    letters[#letters + 1], ttls[#ttls + 1], delays[#delays + 1] = letter, ttl, 0
    last = id
  end
end
if #letters == 0 then return 0 end

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
-- {{{ lib/refused
-- What the server says of a first write: nil where it went well, else the refusal in our words.
local function refused(part, reply)
  if type(reply) ~= 'table' or not reply.err then return nil end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then
    return redis.error_reply('BADARG ' .. part .. ': ' .. reply.err)
  end
  if string.find(reply.err, 'OOM', 1, true) then
    return redis.error_reply('OOM the server is full: drain it, or raise maxmemory')
  end
  return reply
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
-- {{{ lib/append
-- Messages join the log here. One script's ids share their ms and follow each other; nil where they would be past 2^53,
-- which only somebody else can bring about.
local function ids_from(first, many)
  if many == 1 then return {first} end
  local ms, seq = string.match(first, '^(%d+)%-(%d+)$')
  -- `%d` costs a third of `%.0f`, and where a C long has 32 bits it goes less far.
  local ids, form = {first}, tonumber(seq) < 2147483000 and '%s-%d' or '%s-%.0f'
  if form == '%s-%.0f' and seq + many >= 9007199254740992 then return nil end
  for i = 2, many do ids[i] = string.format(form, ms, seq + i - 1) end
  return ids
end

-- A message with the base ttl expires in the log's order and needs no index; others stand in `expiry`. The base changes
-- when every message stands there: in an empty log, for one. Answers the ids, or nil and the refusal.
local function append(envelopes, ttls, delays)
  local as_usual = true
  for i = 1, #ttls do as_usual = as_usual and ttls[i] == base_ttl and delays[i] == 0 end
  local rebased = false
  if not as_usual then
    -- Keys of another type are noticed before the first write.
    local queued, indexed, later = redis.pcall('XLEN', LOG), redis.pcall('ZCARD', EXPIRY), redis.pcall('ZCARD', DELAYED)
    local wrong = refused('log', queued) or refused('expiry', indexed) or refused('delayed', later)
    if wrong then return nil, wrong end
    rebased = indexed == queued
  end
  if rebased then base_ttl = ttls[1] end

  local first = redis.pcall('XADD', LOG, next_id(LOG), 'm', envelopes[1])
  local full = refused('log', first)
  if full then return nil, full end
  local ids = ids_from(first, #envelopes)
  if not ids then
    redis.call('XDEL', LOG, first)
    return nil, redis.error_reply('BADARG log: its last id is past all that it gives')
  end
  for i = 2, #ids do redis.call('XADD', LOG, ids[i], 'm', envelopes[i]) end
  if as_usual then
    wake(0)
    return ids
  end

  local ms, expiry, delayed, free_from = string.match(first, '^%d+'), {}, {}, math.huge
  local soonest = rebased and ms + base_ttl or math.huge
  for i, id in ipairs(ids) do
    if ttls[i] ~= base_ttl then
      expiry[#expiry + 1], expiry[#expiry + 2] = ms + ttls[i], id
      soonest = math.min(soonest, ms + ttls[i])
    end
    if delays[i] > 0 then
      delayed[#delayed + 1], delayed[#delayed + 2] = ms + delays[i], id
      soonest = math.min(soonest, ms + delays[i])
    end
    free_from = math.min(free_from, delays[i] > 0 and ms + delays[i] or 0)
  end
  if #expiry > 0 then redis.call('ZADD', EXPIRY, unpack(expiry)) end
  if #delayed > 0 then redis.call('ZADD', DELAYED, unpack(delayed)) end
  if rebased then redis.call('HSET', META, 'base_ttl', base_ttl, 'since', ms) end
  if soonest < due then redis.call('HSET', META, 'due', soonest) end
  wake(free_from)
  return ids
end
-- }}}
-- Write.
local ids, refusal = append(letters, ttls, delays)
if not ids then return refusal end
redis.call('HSET', TAKEN, source, last)
return #ids

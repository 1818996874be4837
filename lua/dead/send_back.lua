-- dead/send_back: letters that have arrived in this queue set out again: back to where each died, or to another queue.
-- They go into the outbox, and are carried from there as all letters are; each arrives exactly once, as a new message.
--
-- KEYS
--   log meta held returned delayed expiry tries outbox
-- ARGV
--   now    integer?  ms  time since 1970; '' = the server's clock
--   to     text?     -   tag of the queue they go to; '' = where each died
--   id...  id        -   1 to 250 message ids; what is gone, under a live claim or no letter is passed over
-- REPLY
--   flat: how many set out, how many letters wait in the outbox
-- ERRORS
--   BADARG TOOLARGE NEWERSCHEMA MORE
-- COST
--   O(ids)
-- WRITES
--   yes
-- MORE
--   yes
-- REPEAT
--   safe
--   0, or less than the first: what set out is not counted again
if #KEYS ~= 8 or #ARGV < 3 then return redis.error_reply('BADARG call: wants 8 keys and at least 3 arguments') end
local LOG, META, HELD, RETURNED, DELAYED, EXPIRY, TRIES, OUTBOX = unpack(KEYS)
local now, to = ARGV[1], ARGV[2]

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
if #ARGV > 252 then return redis.error_reply('TOOLARGE ids: ' .. #ARGV - 2 .. ', at most 250') end
if to ~= '' and not string.find(to, '^[^/{}]*/[^/{}]+$') then return redis.error_reply('BADARG to: wants a tag') end

-- Read.
local wrong = mistyped()
if wrong then return wrong end
local meta = redis.call('HMGET', META, 'schema', 'due')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
-- After a sweep whatever is held is under a live claim, and whatever is in the log lives.
if now >= (tonumber(meta[2]) or math.huge) then return redis.error_reply('MORE sweep, then call again') end
-- {{{ lib/readdress
-- A letter as it sets out again: with the ttl and the body that it had before it died, without its past but for how
-- often it set out so, and the tag of the queue it goes to: `to`, or else where it died. nil where it is no letter.
local function readdress(letter, to)
  local sound, offset, ttl, client, extras = pcall(cmsgpack.unpack_limit, letter, 3, 1)
  local from = sound and string.byte(letter) == 148 and type(extras) == 'table' and extras.from
  if type(from) ~= 'table' or #from == 0 then return nil end
  local again = '\148' .. cmsgpack.pack(extras.ttl or ttl) .. cmsgpack.pack(client)
    .. cmsgpack.pack({redriven = (extras.redriven or 0) + 1}) .. string.sub(letter, offset + 1)
  return again, to ~= '' and to or from[#from]
end
-- }}}
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
-- {{{ lib/set_out
-- Puts the letters that `letter_of` finds under these ids into the outbox, each once. Answers the ids of those that set
-- out, or nil and the refusal; to take them out of their old place is the caller's.
local function set_out(ids, to, letter_of)
  local found, letters, tags, seen = {}, {}, {}, {}
  for _, id in ipairs(ids) do
    local letter, again, tag = not seen[id] and letter_of(id)
    if letter then again, tag = readdress(letter, to) end
    if again then
      seen[id] = true
      found[#found + 1], letters[#letters + 1], tags[#tags + 1] = id, again, tag
    end
  end
  for i, letter in ipairs(letters) do
    local full = refused('outbox', redis.pcall('XADD', OUTBOX, next_id(OUTBOX), 'to', tags[i], 'm', letter))
    if full then return nil, full end
  end
  return found
end
-- }}}
local function arrived(id)
  local entry = padded(id) and not redis.call('HGET', HELD, id) and redis.call('XRANGE', LOG, id, id)[1]
  if entry and entry[1] == id then return entry[2][2] end
end

-- Write.
local ids, full = set_out({unpack(ARGV, 3)}, to, arrived)
if not ids then return full end
if #ids > 0 then forget(ids) end
return {#ids, redis.call('XLEN', OUTBOX)}

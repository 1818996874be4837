-- queue/set: replaces the metadata of a queue that exists.
--
-- KEYS
--   meta
-- ARGV
--   now       integer?  ms  time since 1970; '' = the server's clock
--   metadata  bin       -   msgpack bin with the user's map inside, which is kept as it comes
--   name...   text      -   a reserved name: RESERVED below, in the manifest `reserved`
--   value...  text      -   its value, a whole number in digits or text
-- REPLY
--   1
-- ERRORS
--   QUEUEGONE BADARG TOOLARGE NEWERSCHEMA MORE
--   MORE: what has lapsed goes by the old rules
-- COST
--   O(1)
-- WRITES
--   yes
-- MORE
--   yes
-- REPEAT
--   unsafe
--   the same; undoes what another set between
if #KEYS ~= 1 or #ARGV < 2 or #ARGV % 2 == 1 or #ARGV > 16 then
  return redis.error_reply('BADARG call: wants 1 key, 2 arguments, and up to 7 names with their values')
end
local META = KEYS[1]
local now, metadata = ARGV[1], ARGV[2]

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
-- {{{ lib/reserved
-- Reserved metadata, which the scripts themselves go by: type, bounds (of text, in bytes), unit, and what it is for.
-- The manifest has the same, from here.
local RESERVED = {
  _default_message_ttl = {'integer', 1, 315360000000}, -- ms  how long a message lives that brings no ttl; else 14 days
  _default_message_delay = {'integer', 0, 315360000000}, -- ms  its delay where it brings none, below that ttl; else 0
  _max_claim_count = {'integer', 1, 1000000000}, -- count  how many claims a message has before it is dead; else no end
  _dead_letter_queue = {'text', 1, 256}, -- -  which queue of the project gets dead letters; else they stay here
  _dead_letter_queue_messages_ttl = {'integer', 1, 315360000000}, -- ms  how long a dead letter lives; else 14 days
  _max_messages_post_size = {'integer', 1, 268435456}, -- bytes  of all bodies of one post; else 4 MiB
  _flavor = {'text', 1, 256}, -- -  of which pools one is to hold the queue, where there are several
}

-- They come as name and value pairs in ARGV from `at` on; all there is to keep, or what it had goes. Answers the pairs,
-- or nil and the refusal.
local function reserved(at)
  local pairs_of, values = {}, {}
  for i = at, #ARGV, 2 do
    local name, value = ARGV[i], ARGV[i + 1]
    local kind, low, high = unpack(RESERVED[name] or {})
    if not kind then
      return nil, redis.error_reply('BADARG name: ' .. shown(name) .. ' is not reserved')
    end
    if kind == 'integer' and not whole(value, low, high) then
      return nil, redis.error_reply('BADARG ' .. name .. ': wants ' .. low .. ' to ' .. high)
    end
    if kind == 'text' and (#value < low or #value > high or string.find(value, '%c')) then
      return nil, redis.error_reply('BADARG ' .. name .. ': wants ' .. low .. ' to ' .. high
        .. ' bytes without control characters')
    end
    values[name] = value
    pairs_of[#pairs_of + 1], pairs_of[#pairs_of + 2] = name, value
  end
  if tonumber(values._default_message_delay or 0) >= tonumber(values._default_message_ttl or 1209600000) then
    return nil, redis.error_reply('BADARG _default_message_delay: wants less than the default ttl')
  end
  return pairs_of
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
-- {{{ lib/map_of
-- The user's map out of its bin, of this many bytes at most; or nil and the refusal. Its inside is the user's own.
local function map_of(name, bin, most)
  local length, at = bin_length(bin, 1)
  local kind = length and string.byte(bin, at) or 0
  if not (kind >= 128 and kind <= 143 or kind == 222 or kind == 223) then
    return nil, redis.error_reply('BADARG ' .. name .. ': wants a whole msgpack bin with a map inside')
  end
  if length > most then
    return nil, redis.error_reply('TOOLARGE ' .. name .. ': ' .. length .. ' bytes, at most ' .. most)
  end
  return string.sub(bin, at)
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
-- {{{ lib/set_metadata
-- Replaces the metadata: the user's map as it came, and each reserved value in a field of its own. A changed ttl of
-- letters kept here may fall due earlier, so the next call looks. nil, or the refusal.
local function set_metadata(map, values)
  local full = refused('meta', redis.pcall('HSET', META, 'metadata', map, 'due', 0, unpack(values)))
  if full then return full end
  local kept, dropped = {}, {''}
  for i = 1, #values, 2 do kept[values[i]] = true end
  for name in pairs(RESERVED) do
    if not kept[name] then dropped[#dropped + 1] = name end
  end
  redis.call('HDEL', META, unpack(dropped))
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
local settings, wrong = reserved(3)
if not settings then return wrong end
local map
map, wrong = map_of('metadata', metadata, 262144)
if not map then return wrong end

local meta = redis.pcall('HMGET', META, 'schema', 'due')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
if not meta[1] then return redis.error_reply('QUEUEGONE there is no such queue') end
if now >= (tonumber(meta[2]) or math.huge) then return redis.error_reply('MORE sweep, then call again') end
return set_metadata(map, settings) or 1

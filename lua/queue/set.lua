-- queue/set: replaces the metadata of a queue that exists.
--
-- KEYS
--   meta
-- ARGV
--   now       integer?  ms  time since 1970; '' = the server's clock
--   metadata  msgpack   -   the user's map, kept as it comes
--   name...   text      -   a reserved name, as for queue/create
--   value...  text      -   its value; times in ms, size in bytes
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
if #KEYS ~= 1 or #ARGV < 2 or #ARGV % 2 == 1 or #ARGV > 16 then
  return redis.error_reply('BADARG call: wants 1 key, 2 arguments, and up to 7 names with their values')
end
local META = KEYS[1]
local now, metadata = ARGV[1], ARGV[2]

-- {{{ lib/whole
-- A whole number from low to high, or nil. Digits only: no sign, fraction, exponent, NaN, blank.
local function whole(text, low, high)
  local number = #text <= 16 and string.find(text, '^%d+$') and tonumber(text)
  return number and number >= low and number <= high and number or nil
end
-- }}}
-- {{{ lib/reserved
-- Reserved metadata, which the scripts themselves go by, as name and value pairs in ARGV from `at` on; all there is to
-- keep, or what it had goes. Answers the pairs, or nil and the refusal.
local function reserved(at)
  local bounds = {
    _default_message_ttl = {1, 315360000000}, _default_message_delay = {0, 315360000000},
    _max_claim_count = {1, 1000000000}, _dead_letter_queue_messages_ttl = {1, 315360000000},
    _max_messages_post_size = {1, 268435456}, _dead_letter_queue = {}, _flavor = {},
  }
  local pairs_of, values = {}, {}
  for i = at, #ARGV, 2 do
    local name, value = ARGV[i], ARGV[i + 1]
    local low, high = unpack(bounds[name] or {})
    if not bounds[name] then return nil, redis.error_reply('BADARG name: ' .. name .. ' is not reserved') end
    if low and not whole(value, low, high) then
      return nil, redis.error_reply('BADARG ' .. name .. ': wants ' .. low .. ' to ' .. high)
    end
    if not low and (#value < 1 or #value > 256 or string.find(value, '%c')) then
      return nil, redis.error_reply('BADARG ' .. name .. ': wants 1 to 256 bytes without control characters')
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
-- {{{ lib/set_metadata
-- Replaces the metadata: the user's map as it came, and each reserved value in a field of its own. A changed ttl of
-- letters kept here may fall due earlier, so the next call looks.
local function set_metadata(map, values)
  redis.call('HSET', META, 'metadata', map, 'due', 0, unpack(values))
  local dropped = {''}
  for _, name in ipairs({'_default_message_ttl', '_default_message_delay', '_max_claim_count', '_dead_letter_queue',
    '_dead_letter_queue_messages_ttl', '_max_messages_post_size', '_flavor'}) do
    local kept = false
    for i = 1, #values, 2 do kept = kept or values[i] == name end
    if not kept then dropped[#dropped + 1] = name end
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
if #metadata > 262144 then return redis.error_reply('TOOLARGE metadata: at most 262144 bytes') end
if metadata == '' then return redis.error_reply('BADARG metadata: wants a msgpack map') end

local meta = redis.pcall('HMGET', META, 'schema', 'due')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. meta[1] .. ' is stored, this script knows 1')
end
-- }}}
if not meta[1] then return redis.error_reply('QUEUEGONE there is no such queue') end
if now >= (tonumber(meta[2]) or math.huge) then return redis.error_reply('MORE sweep, then call again') end
set_metadata(metadata, settings)
return 1

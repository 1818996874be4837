-- queue/purge: deletes all messages and claims of a queue. Its metadata, its tokens and its dead letters stay.
-- The memory is freed in the background; the cost is the same for ten messages and for ten million.
--
-- KEYS
--   log meta held claims returned delayed expiry tries
-- ARGV
--   now  integer?  ms  time since 1970; '' = the server's clock
-- REPLY
--   how many messages went
-- ERRORS
--   QUEUEGONE BADARG NEWERSCHEMA MORE
--   MORE only where a claim limit is set: what is dead already is kept
-- COST
--   O(1)
-- WRITES
--   yes
-- MORE
--   yes
-- REPEAT
--   unsafe
--   how many went this time; a late repeat takes what came between
if #KEYS ~= 8 or #ARGV ~= 1 then return redis.error_reply('BADARG call: wants 8 keys and 1 argument') end
local LOG, META, HELD, CLAIMS, RETURNED, DELAYED, EXPIRY, TRIES = unpack(KEYS)
local now = ARGV[1]

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
-- Read.
local wrong = mistyped()
if wrong then return wrong end
local meta = redis.call('HMGET', META, 'schema', 'due', '_max_claim_count')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
if not meta[1] then return redis.error_reply('QUEUEGONE there is no such queue') end
if meta[3] and now >= (tonumber(meta[2]) or math.huge) then return redis.error_reply('MORE sweep, then call again') end
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
local count, last = redis.call('XLEN', LOG), last_id(LOG)

-- Write. A new stream would hand out the ids of this very ms again.
redis.call('UNLINK', LOG, HELD, CLAIMS, RETURNED, DELAYED, EXPIRY, TRIES)
redis.call('HDEL', META, 'base_ttl', 'since', 'reaped', 'returned')
redis.call('HSET', META, 'cursor', last)
-- {{{ lib/start_stream
-- An empty stream that goes on after an id. A group is the way to make a stream without an entry.
local function start_stream(key, after)
  if after == '0-0' then return end
  redis.call('XGROUP', 'CREATE', key, 'start', '$', 'MKSTREAM')
  redis.call('XGROUP', 'DESTROY', key, 'start')
  redis.call('XSETID', key, after)
end
-- }}}
start_stream(LOG, last)
return count

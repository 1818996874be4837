-- queue/delete: deletes a queue with all it holds, but for letters in transit: those stay in its outbox.
-- What must outlive it, so that ids and fences go on where it is made again, stands in `floor` for a day at least.
--
-- KEYS
--   log meta held claims returned delayed expiry tries outbox dead tokens tokens_before taken floor
-- ARGV
--   now  integer?  ms  time since 1970; '' = the server's clock
-- REPLY
--   1 if it was there, else 0
-- ERRORS
--   BADARG NEWERSCHEMA MORE
--   MORE only where a claim limit and a dead-letter queue are set: what is dead already goes into the outbox first
-- COST
--   O(1); the memory is freed in the background
-- WRITES
--   yes
-- MORE
--   yes
-- REPEAT
--   unsafe
--   0; a late repeat takes what came between
if #KEYS ~= 14 or #ARGV ~= 1 then return redis.error_reply('BADARG call: wants 14 keys and 1 argument') end
local LOG, META, HELD, CLAIMS, RETURNED, DELAYED, EXPIRY, TRIES, OUTBOX, DEAD = unpack(KEYS, 1, 10)
local TOKENS, TOKENS_BEFORE, TAKEN, FLOOR = unpack(KEYS, 11)
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
local meta = redis.call('HMGET', META, 'schema', 'due', '_max_claim_count', '_dead_letter_queue', 'fence')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
if not meta[1] then return 0 end
if meta[3] and meta[4] and now >= (tonumber(meta[2]) or math.huge) then
  return redis.error_reply('MORE sweep, then call again')
end
local last, fence = last_id(LOG), whole(meta[5] or '', 0, 9007199254740991) or 0

-- Write.
redis.call('UNLINK', LOG, META, HELD, CLAIMS, RETURNED, DELAYED, EXPIRY, TRIES, DEAD, TOKENS, TOKENS_BEFORE)
redis.call('HSET', FLOOR, 'last_id', last, 'fence', string.format('%.0f', fence))
-- By the server's clock, whoever brings `now`: it is the one that EXPIRE goes by.
local server = tonumber(redis.call('TIME')[1]) * 1000
-- What lies past all clocks, somebody else wrote; EXPIRE would not take it.
local passed = math.min(math.max(server, tonumber(string.match(last, '^%d+')), math.floor(fence / 1000)), 9007199254740)
redis.call('PEXPIREAT', FLOOR, passed + 86400000)
-- The marks of letters that came in outlive it for 30 days, for movers that come back late; so does an empty outbox,
-- whose ids those marks compare.
redis.call('PEXPIREAT', TAKEN, passed + 2592000000)
if redis.call('XLEN', OUTBOX) == 0 then redis.call('PEXPIREAT', OUTBOX, passed + 2592000000) end
return 1

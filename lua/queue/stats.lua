-- queue/stats: how many messages are free, claimed, delayed and dead, and which are the oldest and the newest. Exact.
--
-- KEYS
--   log meta held claims delayed outbox dead
-- ARGV
--   now  integer?  ms  time since 1970; '' = the server's clock
-- REPLY
--   flat: now, free, claimed, delayed, total (of these three), dead (in the outbox or kept here), id of the oldest
--   message, id of the newest ('' where there is none)
-- ERRORS
--   QUEUEGONE BADARG NEWERSCHEMA MORE
-- COST
--   O(1)
-- WRITES
--   no
-- MORE
--   yes
-- REPEAT
--   safe
--   as it is by then
if #KEYS ~= 7 or #ARGV ~= 1 then return redis.error_reply('BADARG call: wants 7 keys and 1 argument') end
local LOG, META, HELD, CLAIMS, DELAYED, OUTBOX, DEAD = unpack(KEYS)
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
if not meta[1] then return redis.error_reply('QUEUEGONE there is no such queue') end
if now >= (tonumber(meta[2]) or math.huge) then return redis.error_reply('MORE sweep, then call again') end

local total, delayed = redis.call('XLEN', LOG), redis.call('ZCARD', DELAYED)
-- `held` has a field for each message and one for each claim.
local claimed = redis.call('HLEN', HELD) - redis.call('ZCARD', CLAIMS)
local oldest = redis.call('XRANGE', LOG, '-', '+', 'COUNT', 1)[1] or {''}
local newest = redis.call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1] or {''}
local dead = redis.call('XLEN', OUTBOX) + redis.call('XLEN', DEAD)
return {now, total - claimed - delayed, claimed, delayed, total, dead, oldest[1], newest[1]}

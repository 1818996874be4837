-- dead/transit: letters that wait in a queue's outbox to be carried to a dead-letter queue, oldest first.
-- The queue may be deleted already.
--
-- KEYS
--   meta outbox
-- ARGV
--   marker  id?      -      begin after this id in the outbox; '' = at the oldest
--   limit   integer  count  1 to 250
-- REPLY
--   flat, for each letter: its id in the outbox, to (the tag of the queue it is addressed to), letter
-- ERRORS
--   BADARG NEWERSCHEMA
-- COST
--   O(limit), at most 4 MiB, or one letter
-- WRITES
--   no
-- MORE
--   no
-- REPEAT
--   safe
--   as it is by then
if #KEYS ~= 2 or #ARGV ~= 2 then return redis.error_reply('BADARG call: wants 2 keys and 2 arguments') end
local META, OUTBOX = unpack(KEYS)
local marker = ARGV[1]
-- {{{ lib/padded
-- An id as text that sorts as the log does; XRANGE takes it too. nil where it is no id that a log hands out.
local function padded(id)
  local ms, seq = string.match(id, '^(%d+)%-(%d+)$')
  if not ms or #ms > 15 or #seq > 16 then return nil end
  return string.rep('0', 15 - #ms) .. ms .. '-' .. string.rep('0', 16 - #seq) .. seq
end
-- }}}
-- {{{ lib/whole
-- A whole number from low to high, or nil. Digits only: no sign, fraction, exponent, NaN, blank.
local function whole(text, low, high)
  local number = #text <= 16 and string.find(text, '^%d+$') and text + 0
  return number and number >= low and number <= high and number or nil
end
-- }}}
local limit = whole(ARGV[2], 1, 250)
if not limit then return redis.error_reply('BADARG limit: wants 1 to 250') end
if marker ~= '' and not padded(marker) then return redis.error_reply('BADARG marker: wants an id of the outbox') end
local meta = redis.pcall('HMGET', META, 'schema')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
local reply, position, bytes, listed = {}, marker == '' and '-' or '(' .. marker, 0, 0
repeat
  local entries = redis.pcall('XRANGE', OUTBOX, position, '+', 'COUNT', math.min(limit - listed, 50))
  if entries.err then return redis.error_reply('BADARG outbox: ' .. entries.err) end
  for _, entry in ipairs(entries) do
    bytes = bytes + #entry[2][4]
    if bytes > 4194304 and listed > 0 then return reply end
    listed, position = listed + 1, '(' .. entry[1]
    for _, value in ipairs({entry[1], entry[2][2], entry[2][4]}) do reply[#reply + 1] = value end
  end
until listed == limit or #entries < 50
return reply

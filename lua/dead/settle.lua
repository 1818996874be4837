-- dead/settle: takes letters that were delivered out of the outbox. A repeat does nothing.
--
-- KEYS
--   meta outbox
-- ARGV
--   id...  id  -  1 to 250 ids in the outbox
-- REPLY
--   how many letters are left in the outbox
-- ERRORS
--   BADARG TOOLARGE NEWERSCHEMA
-- COST
--   O(ids)
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   safe
--   how many are left
if #KEYS ~= 2 or #ARGV < 1 then return redis.error_reply('BADARG call: wants 2 keys and at least 1 argument') end
local META, OUTBOX = unpack(KEYS)
-- {{{ lib/padded
-- An id as text that sorts as the log does; XRANGE takes it too. nil where it is no id that a log hands out.
local function padded(id)
  local ms, seq = string.match(id, '^(%d+)%-(%d+)$')
  if not ms or #ms > 15 or #seq > 16 then return nil end
  return string.rep('0', 15 - #ms) .. ms .. '-' .. string.rep('0', 16 - #seq) .. seq
end
-- }}}
if #ARGV > 250 then return redis.error_reply('TOOLARGE ids: ' .. #ARGV .. ', at most 250') end
for _, id in ipairs(ARGV) do
  if not padded(id) then return redis.error_reply('BADARG id: wants an id of the outbox') end
end
local meta = redis.pcall('HMGET', META, 'schema')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
-- {{{ lib/first_write
-- The first write of what must go on at maxmemory. A script that has written is not refused any more, so where the
-- server is full an HDEL of nothing goes before it. nil, or the refusal.
local function first_write(part, ...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return nil end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then
    return redis.error_reply('BADARG ' .. part .. ': ' .. reply.err)
  end
  if not string.find(reply.err, 'OOM', 1, true) then return reply end
  redis.call('HDEL', META, '')
  redis.call(...)
end
-- }}}
local wrong = first_write('outbox', 'XDEL', OUTBOX, unpack(ARGV))
if wrong then return wrong end
local left = redis.call('XLEN', OUTBOX)
-- The outbox of a queue that is gone goes when it is empty, but late: its ids must not begin anew.
if left == 0 and not meta[1] then redis.call('PEXPIRE', OUTBOX, 2592000000) end
return left

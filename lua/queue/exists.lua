-- queue/exists: whether the queue exists.
--
-- KEYS
--   meta
-- ARGV
--   none
-- REPLY
--   1 or 0
-- ERRORS
--   BADARG NEWERSCHEMA
-- COST
--   O(1)
-- WRITES
--   no
-- MORE
--   no
-- REPEAT
--   safe
--   as it is by then
if #KEYS ~= 1 or #ARGV ~= 0 then return redis.error_reply('BADARG call: wants 1 key and no argument') end
local meta = redis.pcall('HMGET', KEYS[1], 'schema')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
return meta[1] and 1 or 0

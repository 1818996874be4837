-- queue/get: when a queue was made, and its metadata.
--
-- KEYS
--   meta
-- ARGV
--   none
-- REPLY
--   flat: created (ms), metadata (msgpack, '' = none was given), then name and value of each reserved value that is set
-- ERRORS
--   QUEUEGONE BADARG NEWERSCHEMA
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
local names = {'schema', 'created', 'metadata', '_default_message_ttl', '_default_message_delay', '_max_claim_count',
  '_dead_letter_queue', '_dead_letter_queue_messages_ttl', '_max_messages_post_size', '_flavor'}
local meta = redis.pcall('HMGET', KEYS[1], unpack(names))
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
if not meta[1] then return redis.error_reply('QUEUEGONE there is no such queue') end
local reply = {tonumber(meta[2]), meta[3] or ''}
for i = 4, #names do
  if meta[i] then reply[#reply + 1], reply[#reply + 2] = names[i], meta[i] end
end
return reply

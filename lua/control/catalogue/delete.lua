-- control/catalogue/delete: takes a queue out of the catalogue.
-- Of a topic: topic_catalogue and topic_catalogue_names stand in place of catalogue and catalogue_names.
--
-- KEYS
--   state pool_queues catalogue catalogue_names
-- ARGV
--   project  text   -  the project, as it stands in a tag
--   queue    text   -  the queue's name
--   pool     text?  -  only where it is on this pool; '' = whichever
-- REPLY
--   1 if it was there, else 0
-- ERRORS
--   BADARG NEWERSCHEMA
-- COST
--   O(1)
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   unsafe
--   0; a late repeat takes what another placed between
if #KEYS ~= 4 or #ARGV ~= 3 then return redis.error_reply('BADARG call: wants 4 keys and 3 arguments') end
local STATE, POOL_QUEUES, CATALOGUE, CATALOGUE_NAMES = unpack(KEYS)
local project, queue, pool = unpack(ARGV)
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
-- {{{ lib/is_project
-- What belongs to a project stands under `project/name`, the project as in a tag, so that the first slash parts the two
-- and one set has all, by project and in the order of names.
local function is_project(text)
  return #text <= 768 and not string.find(text, '[/{}%c]')
end
-- }}}
-- {{{ lib/miscounted
-- HINCRBY raises where a count is no number, whoever wrote it, so that is noticed before the first write.
local function miscounted(pool)
  local count = pool and redis.call('HGET', POOL_QUEUES, pool)
  if count and not (#count <= 16 and string.find(count, '^%-?%d+$')) then
    return redis.error_reply('BADARG pool_queues: a count is no number, control/check says which')
  end
end
-- }}}
if not is_project(project) then return redis.error_reply('BADARG project: wants a project as in a tag') end
-- {{{ lib/control_state
-- What a later version has stored is left alone; a key of another type is noticed before the first write.
local wrong = mistyped()
if wrong then return wrong end
local schema = redis.call('HGET', STATE, 'schema')
if schema and schema ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(schema, '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
local entry = project .. '/' .. queue
local before = redis.call('HGET', CATALOGUE, entry)
if not before or pool ~= '' and before ~= pool then return 0 end
local miscount = miscounted(before)
if miscount then return miscount end
redis.call('HDEL', CATALOGUE, entry)
redis.call('ZREM', CATALOGUE_NAMES, entry)
if redis.call('HINCRBY', POOL_QUEUES, before, -1) <= 0 then redis.call('HDEL', POOL_QUEUES, before) end
return 1

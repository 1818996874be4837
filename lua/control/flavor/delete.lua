-- control/flavor/delete: takes a flavor out. Pools and queues that bear its name keep it.
--
-- KEYS
--   state flavors flavor_names
-- ARGV
--   project  text  -  the project, as it stands in a tag
--   name     text  -  its name
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
--   0; a late repeat takes what another made between
if #KEYS ~= 3 or #ARGV ~= 2 then return redis.error_reply('BADARG call: wants 3 keys and 2 arguments') end
local STATE, FLAVORS, FLAVOR_NAMES = unpack(KEYS)
local project, name = ARGV[1], ARGV[2]
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
local entry = project .. '/' .. name
redis.call('ZREM', FLAVOR_NAMES, entry)
return redis.call('HDEL', FLAVORS, entry)

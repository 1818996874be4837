-- control/drop: takes out all pools, all flavors or both catalogues, whatever is in use.
-- For tests and for installing anew; what is stored on the pools stays there.
--
-- KEYS
--   state pools pool_queues flavors flavor_names catalogue catalogue_names topic_catalogue topic_catalogue_names
-- ARGV
--   what  text  -  pools, flavors or catalogue (of queues and of topics)
-- REPLY
--   how many went
-- ERRORS
--   BADARG NEWERSCHEMA
-- COST
--   O(1); the memory is freed in the background
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   unsafe
--   0; a late repeat takes what another made between
if #KEYS ~= 9 or #ARGV ~= 1 then return redis.error_reply('BADARG call: wants 9 keys and 1 argument') end
local STATE, POOLS, POOL_QUEUES, FLAVORS, FLAVOR_NAMES, CATALOGUE, CATALOGUE_NAMES = unpack(KEYS)
local TOPIC_CATALOGUE, TOPIC_CATALOGUE_NAMES = KEYS[8], KEYS[9]
-- Both catalogues together, since pool_queues counts both.
local dropped = ({pools = {POOLS}, flavors = {FLAVORS, FLAVOR_NAMES},
  catalogue = {CATALOGUE, CATALOGUE_NAMES, TOPIC_CATALOGUE, TOPIC_CATALOGUE_NAMES, POOL_QUEUES}})[ARGV[1]]
if not dropped then return redis.error_reply('BADARG what: wants pools, flavors or catalogue') end
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
-- {{{ lib/control_state
-- What a later version has stored is left alone; a key of another type is noticed before the first write.
local wrong = mistyped()
if wrong then return wrong end
local schema = redis.call('HGET', STATE, 'schema')
if schema and schema ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(schema, '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
local count = redis.call('HLEN', dropped[1])
if ARGV[1] == 'catalogue' then count = count + redis.call('HLEN', TOPIC_CATALOGUE) end
redis.call('UNLINK', unpack(dropped))
return count

-- control/check: looks whether the parts of the control plane agree with each other, some entries of one part a call.
-- Each call looks at its entries in every part at once, so live traffic beside it causes no false alarm.
--
-- KEYS
--   state pools pool_queues flavors flavor_names catalogue catalogue_names topic_catalogue topic_catalogue_names
-- ARGV
--   part    text      -      the part whose entries are looked at, any but state
--   cursor  text?     -      as the last call answered; '' = from the start
--   count   integer?  count  about how many entries, 1 to 250; '' = 100. pools and pool_queues are looked at as a whole
-- REPLY
--   flat: the cursor for the next call ('' = the part is done), how many entries this call looked at, then for each
--   violation: what it is about (a name, or project/name), and a sentence
-- ERRORS
--   BADARG NEWERSCHEMA
-- COST
--   O(entries looked at)
-- WRITES
--   no
-- MORE
--   no
-- REPEAT
--   safe
--   as it is by then
if #KEYS ~= 9 or #ARGV ~= 3 then return redis.error_reply('BADARG call: wants 9 keys and 3 arguments') end
local STATE, POOLS, POOL_QUEUES, FLAVORS, FLAVOR_NAMES, CATALOGUE, CATALOGUE_NAMES = unpack(KEYS)
local TOPIC_CATALOGUE, TOPIC_CATALOGUE_NAMES = KEYS[8], KEYS[9]
local part, position, count = unpack(ARGV)

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
-- {{{ lib/pool_record
-- A pool as it is stored: an array of weight, uri, flavor ('' = none) and options (a msgpack map, as it came).
local function read_pool(record)
  local weight, uri, flavor, options = unpack(cmsgpack.unpack(record))
  return {weight = weight, uri = uri, flavor = flavor, options = options}
end
-- }}}
local reply = {'', 0}
local function violated(about, sentence)
  reply[#reply + 1], reply[#reply + 2] = about, sentence
end

local uris = {}
local function check_pool(name, record)
  local read, pool = pcall(read_pool, record)
  if not read or type(pool.weight) ~= 'number' or type(pool.uri) ~= 'string' or type(pool.flavor) ~= 'string'
    or type(pool.options) ~= 'string' then
    return violated(name, 'has a record that can not be read')
  end
  if uris[pool.uri] then violated(name, 'has the uri of another pool') end
  uris[pool.uri] = true
end

local counted = 0
local function check_count(name, queues)
  if not whole(queues, 1, 9007199254740992) then return violated(name, 'has a count of queues that is none') end
  counted = counted + queues
end

local function placed(names, is)
  return function(entry, pool)
    if not redis.call('ZSCORE', names, entry) then violated(entry, 'is not listed in ' .. part .. '_names') end
    if redis.call('HEXISTS', POOLS, pool) == 0 then violated(entry, is .. ' on a pool that is not there') end
    if redis.call('HEXISTS', POOL_QUEUES, pool) == 0 then violated(entry, is .. ' on a pool that counts no queues') end
  end
end

local function check_flavor(entry)
  if not redis.call('ZSCORE', FLAVOR_NAMES, entry) then violated(entry, 'is not listed in flavor_names') end
end

local function listed_from(hash)
  return function(entry, score)
    if redis.call('HEXISTS', hash, entry) == 0 then violated(entry, 'stands in ' .. part .. ' alone') end
    if score ~= '0' then violated(entry, 'has a score in ' .. part .. ', and so another place in the order') end
  end
end

local scans = {
  pools = {'HGETALL', POOLS, check_pool}, pool_queues = {'HGETALL', POOL_QUEUES, check_count},
  flavors = {'HSCAN', FLAVORS, check_flavor}, flavor_names = {'ZSCAN', FLAVOR_NAMES, listed_from(FLAVORS)},
  catalogue = {'HSCAN', CATALOGUE, placed(CATALOGUE_NAMES, 'is')},
  catalogue_names = {'ZSCAN', CATALOGUE_NAMES, listed_from(CATALOGUE)},
  topic_catalogue = {'HSCAN', TOPIC_CATALOGUE, placed(TOPIC_CATALOGUE_NAMES, 'is a topic')},
  topic_catalogue_names = {'ZSCAN', TOPIC_CATALOGUE_NAMES, listed_from(TOPIC_CATALOGUE)},
}
if not scans[part] then return redis.error_reply('BADARG part: wants a part of the control plane, not its state') end
if position ~= '' and not whole(position, 0, 9007199254740991) then
  return redis.error_reply('BADARG cursor: wants what the last call answered')
end
count = count == '' and 100 or whole(count, 1, 250)
if not count then return redis.error_reply('BADARG count: wants 1 to 250') end
-- {{{ lib/control_state
-- What a later version has stored is left alone; a key of another type is noticed before the first write.
local wrong = mistyped()
if wrong then return wrong end
local schema = redis.call('HGET', STATE, 'schema')
if schema and schema ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(schema, '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
local command, key, examine = unpack(scans[part])
local found
if command == 'HGETALL' then
  found = redis.call(command, key)
else
  local page = redis.call(command, key, position == '' and '0' or position, 'COUNT', count)
  found = page[2]
  if page[1] ~= '0' then reply[1] = page[1] end
end
for i = 1, #found, 2 do examine(found[i], found[i + 1]) end
-- The counts by pool can't be compared in bounded work, their sum can.
if part == 'pool_queues' and counted ~= redis.call('HLEN', CATALOGUE) + redis.call('HLEN', TOPIC_CATALOGUE) then
  violated('pool_queues', 'counts other queues and topics than the catalogues have')
end
reply[2] = #found / 2
return reply

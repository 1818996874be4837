-- control/pool/list: pools in the order of their names' bytes, of one flavor or of all.
--
-- KEYS
--   state pools pool_queues
-- ARGV
--   marker  text?     -      begin after this name; '' = at the first
--   limit   integer   count  1 to 1000
--   by      flag      -      1 = only pools of the flavor that is given
--   flavor  text?     -      with `by`: the flavor, '' = pools of none
-- REPLY
--   flat, for each pool: name, weight, uri, flavor, options, queues, as control/pool/get has them
-- ERRORS
--   BADARG NEWERSCHEMA
-- COST
--   O(pools), of which there are at most 1000
-- WRITES
--   no
-- MORE
--   no
-- REPEAT
--   safe
--   as it is by then
if #KEYS ~= 3 or #ARGV ~= 4 then return redis.error_reply('BADARG call: wants 3 keys and 4 arguments') end
local STATE, POOLS, POOL_QUEUES = unpack(KEYS)
local marker, limit, by, flavor = unpack(ARGV)
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
-- {{{ lib/byte_order
-- A name as text that sorts by its bytes, three digits each: Lua compares by the locale that the server was started in.
local digits = {}
for byte = 0, 255 do digits[string.char(byte)] = string.format('%03d', byte) end
local function byte_order(name)
  return (string.gsub(name, '.', digits))
end
-- }}}
-- {{{ lib/pool_record
-- A pool as it is stored: an array of weight, uri, flavor ('' = none) and options (a msgpack map, as it came).
local function read_pool(record)
  local weight, uri, flavor, options = unpack(cmsgpack.unpack(record))
  return {weight = weight, uri = uri, flavor = flavor, options = options}
end
-- }}}
limit = whole(limit, 1, 1000)
if not limit then return redis.error_reply('BADARG limit: wants 1 to 1000') end
if by ~= '' and by ~= '1' then return redis.error_reply("BADARG by: wants 1 or ''") end
-- {{{ lib/control_state
-- What a later version has stored is left alone; a key of another type is noticed before the first write.
local wrong = mistyped()
if wrong then return wrong end
local schema = redis.call('HGET', STATE, 'schema')
if schema and schema ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(schema, '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
local after, found, keys = byte_order(marker), {}, {}
local all = redis.call('HGETALL', POOLS)
for i = 1, #all, 2 do
  local key, pool = byte_order(all[i]), read_pool(all[i + 1])
  if key > after and (by == '' or pool.flavor == flavor) then
    pool.name, found[key], keys[#keys + 1] = all[i], pool, key
  end
end
table.sort(keys)
local reply = {}
for i = 1, math.min(limit, #keys) do
  local pool = found[keys[i]]
  local queues = tonumber(redis.call('HGET', POOL_QUEUES, pool.name) or 0)
  for _, value in ipairs({pool.name, pool.weight, pool.uri, pool.flavor, pool.options, queues}) do
    reply[#reply + 1] = value
  end
end
return reply

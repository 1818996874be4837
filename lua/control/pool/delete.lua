-- control/pool/delete: takes a pool out. What is stored on it stays there.
--
-- KEYS
--   state pools pool_queues
-- ARGV
--   name  text  -  its name
-- REPLY
--   1 if it was there, else 0
-- ERRORS
--   POOLINUSE BADARG NEWERSCHEMA
--   POOLINUSE: the catalogue has queues or topics on it, or it is the only pool of its flavor; both are named
-- COST
--   O(pools), of which there are at most 1000
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   unsafe
--   0; a late repeat takes what another made between
if #KEYS ~= 3 or #ARGV ~= 1 then return redis.error_reply('BADARG call: wants 3 keys and 1 argument') end
local STATE, POOLS, POOL_QUEUES = unpack(KEYS)
local name = ARGV[1]
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
-- {{{ lib/shown
-- A caller's text as a refusal shows it: 64 characters at most, and `?` for what is no UTF-8 or a control character,
-- since a client may take such a reply for a broken connection.
local function shown(text)
  local least, most = {[224] = 160, [240] = 144}, {[237] = 159, [244] = 143}
  local characters = {}
  for character in string.gmatch(text, '[^\128-\191]?[\128-\191]*') do
    local first, second = string.byte(character, 1, 2)
    local length = first and (first < 128 and 1 or first >= 194 and first < 224 and 2
      or first >= 224 and first < 240 and 3 or first >= 240 and first < 245 and 4)
    local good = length == #character and (length == 1 and first > 31 and first ~= 127
      or length > 1 and second >= (least[first] or 128) and second <= (most[first] or 191))
    if #characters < 64 and first then characters[#characters + 1] = good and character or '?' end
  end
  return table.concat(characters)
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
local record = redis.call('HGET', POOLS, name)
if not record then return 0 end
local flavor, queues = read_pool(record).flavor, tonumber(redis.call('HGET', POOL_QUEUES, name) or 0)
if queues > 0 then return redis.error_reply('POOLINUSE ' .. shown(name) .. ' holds queues and topics: ' .. queues) end
local others = 0
for _, other in ipairs(flavor ~= '' and redis.call('HVALS', POOLS) or {}) do
  if read_pool(other).flavor == flavor then others = others + 1 end
end
if others == 1 then
  return redis.error_reply('POOLINUSE ' .. shown(name) .. ' is the only pool of flavor ' .. shown(flavor))
end
redis.call('HDEL', POOLS, name)
return 1

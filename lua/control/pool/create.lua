-- control/pool/create: registers a pool, or replaces what is registered under its name.
--
-- KEYS
--   state pools
-- ARGV
--   name      text  -  1 to 256 bytes, no control characters
--   field...  text  -  weight and uri, which are wanted; flavor, options
--   value...  text  -  of weight: 0 to 4294967295, 0 takes no new queues; of uri: 1 to 4096 bytes; of flavor: up to 256
--                      bytes, '' = none; of options: a msgpack bin with a map inside, 4096 bytes at most
-- REPLY
--   1 if it is new, else 0
-- ERRORS
--   POOLEXISTS BADARG TOOLARGE NEWERSCHEMA
--   POOLEXISTS: another pool has this uri; it is named
-- COST
--   O(pools), of which there are at most 1000
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   unsafe
--   not new; undoes what another set between
if #KEYS ~= 2 or #ARGV < 3 or #ARGV % 2 == 0 or #ARGV > 9 then
  return redis.error_reply('BADARG call: wants 2 keys, 1 argument, and up to 4 fields with their values')
end
local STATE, POOLS = unpack(KEYS)
local name = ARGV[1]

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
-- {{{ lib/named
-- A name: 1 to 256 bytes without control characters.
local function is_name(text)
  return #text >= 1 and #text <= 256 and not string.find(text, '%c')
end
-- }}}
-- {{{ lib/bin_length
-- How many bytes the msgpack bin holds that a text is from `at` on, and where these begin; nil where that is no bin, or
-- an empty or cut one.
local function bin_length(text, at)
  local kind, a, b, c, d = string.byte(text, at, at + 4)
  local head = kind == 196 and 2 or kind == 197 and 3 or kind == 198 and 5
  local length = head == 2 and a or head == 3 and b and a * 256 + b
    or head == 5 and d and ((a * 256 + b) * 256 + c) * 256 + d
  if length and length > 0 and #text == at - 1 + head + length then return length, at + head end
end
-- }}}
-- {{{ lib/map_of
-- The user's map out of its bin, of this many bytes at most; or nil and the refusal. Its inside is the user's own.
local function map_of(name, bin, most)
  local length, at = bin_length(bin, 1)
  local kind = length and string.byte(bin, at) or 0
  if not (kind >= 128 and kind <= 143 or kind == 222 or kind == 223) then
    return nil, redis.error_reply('BADARG ' .. name .. ': wants a whole msgpack bin with a map inside')
  end
  if length > most then
    return nil, redis.error_reply('TOOLARGE ' .. name .. ': ' .. length .. ' bytes, at most ' .. most)
  end
  return string.sub(bin, at)
end
-- }}}
-- {{{ lib/refused
-- What the server says of a first write: nil where it went well, else the refusal in our words.
local function refused(part, reply)
  if type(reply) ~= 'table' or not reply.err then return nil end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then
    return redis.error_reply('BADARG ' .. part .. ': ' .. reply.err)
  end
  if string.find(reply.err, 'OOM', 1, true) then
    return redis.error_reply('OOM the server is full: drain it, or raise maxmemory')
  end
  return reply
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
-- {{{ lib/pool_fields
-- Name and value pairs in ARGV from `at` on, checked, into a pool. nil, or the refusal.
local function set_fields(pool, at)
  for i = at, #ARGV, 2 do
    local field, value = ARGV[i], ARGV[i + 1]
    if field == 'weight' then
      pool.weight = whole(value, 0, 4294967295)
      if not pool.weight then return redis.error_reply('BADARG weight: wants 0 to 4294967295') end
    elseif field == 'uri' then
      if #value < 1 or #value > 4096 or string.find(value, '%c') then
        return redis.error_reply('BADARG uri: wants 1 to 4096 bytes without control characters')
      end
      pool.uri = value
    elseif field == 'flavor' then
      if value ~= '' and not is_name(value) then
        return redis.error_reply('BADARG flavor: wants up to 256 bytes without control characters')
      end
      pool.flavor = value
    elseif field == 'options' then
      local map, wrong = map_of('options', value, 4096)
      if not map then return wrong end
      pool.options = map
    else
      return redis.error_reply('BADARG field: ' .. shown(field) .. ' is no weight uri flavor options')
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
-- {{{ lib/pool_write
-- Stores a pool, unless another one has its uri. nil, or the refusal.
local function write_pool(name, pool)
  local all = redis.call('HGETALL', POOLS)
  for i = 1, #all, 2 do
    if all[i] ~= name and read_pool(all[i + 1]).uri == pool.uri then
      return redis.error_reply('POOLEXISTS ' .. shown(all[i]) .. ' has this uri')
    end
  end
  local record = cmsgpack.pack({pool.weight, pool.uri, pool.flavor, pool.options})
  local full = refused('pools', redis.pcall('HSET', POOLS, name, record))
  if full then return full end
  redis.call('HSET', STATE, 'schema', 1)
end
-- }}}
if not is_name(name) then return redis.error_reply('BADARG name: wants 1 to 256 bytes without control characters') end
local pool = {flavor = '', options = '\128'}
local bad = set_fields(pool, 2)
if bad then return bad end
if not pool.weight then return redis.error_reply('BADARG weight: is wanted') end
if not pool.uri then return redis.error_reply('BADARG uri: is wanted') end

-- {{{ lib/control_state
-- What a later version has stored is left alone; a key of another type is noticed before the first write.
local wrong = mistyped()
if wrong then return wrong end
local schema = redis.call('HGET', STATE, 'schema')
if schema and schema ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(schema, '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
local is_new = redis.call('HEXISTS', POOLS, name) == 0
if is_new and redis.call('HLEN', POOLS) >= 1000 then return redis.error_reply('TOOLARGE pools: there are 1000') end
return write_pool(name, pool) or is_new and 1 or 0

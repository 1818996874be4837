-- control/catalogue/register: which pool a queue is on; a queue that is on none yet gets one, by weight.
-- Two clients that register one queue at once are answered the same pool.
-- Of a topic: topic_catalogue and topic_catalogue_names stand in place of catalogue and catalogue_names.
--
-- KEYS
--   state pools pool_queues flavors catalogue catalogue_names
-- ARGV
--   project  text     -  the project, as it stands in a tag
--   queue    text     -  the queue's name
--   flavor   text?    -  a flavor of the project, whose pools are meant; '' = pools of none
--   random   integer  -  0 to 4294967295, drawn by the caller: where between the weights the choice falls
-- REPLY
--   flat: 1 if it is new, else 0; the pool, its uri, its options (a msgpack map); a pool that was taken out since has
--   the uri ''
-- ERRORS
--   FLAVORGONE POOLGONE BADARG NEWERSCHEMA
--   POOLGONE: no pool of this flavor takes new queues
-- COST
--   O(pools), of which there are at most 1000, for a new one; else O(1)
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   safe
--   the same pool, not new
if #KEYS ~= 6 or #ARGV ~= 4 then return redis.error_reply('BADARG call: wants 6 keys and 4 arguments') end
local STATE, POOLS, POOL_QUEUES, FLAVORS, CATALOGUE, CATALOGUE_NAMES = unpack(KEYS)
local project, queue, flavor, random = unpack(ARGV)
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
-- {{{ lib/is_project
-- What belongs to a project stands under `project/name`, the project as in a tag, so that the first slash parts the two
-- and one set has all, by project and in the order of names.
local function is_project(text)
  return #text <= 768 and not string.find(text, '[/{}%c]')
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
-- {{{ lib/place
-- Notes that a queue is on a pool, and how many queues each pool has.
local function place(entry, pool)
  local before = redis.call('HGET', CATALOGUE, entry)
  if before == pool then return end
  redis.call('HSET', CATALOGUE, entry, pool)
  redis.call('HINCRBY', POOL_QUEUES, pool, 1)
  if before and redis.call('HINCRBY', POOL_QUEUES, before, -1) <= 0 then redis.call('HDEL', POOL_QUEUES, before) end
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
if not is_name(queue) then return redis.error_reply('BADARG queue: wants 1 to 256 bytes without control characters') end
random = whole(random, 0, 4294967295)
if not random then return redis.error_reply('BADARG random: wants 0 to 4294967295') end

-- Read.
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
local known = redis.call('HGET', CATALOGUE, entry)
if known then
  local record = redis.call('HGET', POOLS, known)
  local pool = record and read_pool(record) or {uri = '', options = '\128'}
  return {0, known, pool.uri, pool.options}
end
if flavor ~= '' and redis.call('HEXISTS', FLAVORS, project .. '/' .. flavor) == 0 then
  return redis.error_reply('FLAVORGONE ' .. shown(flavor) .. ' is no flavor')
end

-- Decide.
local all, found, keys, sum = redis.call('HGETALL', POOLS), {}, {}, 0
for i = 1, #all, 2 do
  local pool = read_pool(all[i + 1])
  if pool.flavor == flavor then
    local key = byte_order(all[i])
    pool.name, found[key], keys[#keys + 1], sum = all[i], pool, key, sum + pool.weight
  end
end
if sum == 0 then
  local of = flavor == '' and 'no flavor' or 'flavor ' .. shown(flavor)
  return redis.error_reply('POOLGONE no pool of ' .. of .. ' takes new queues')
end
table.sort(keys)
local point, chosen = math.floor(random / 4294967296 * sum), nil
for _, key in ipairs(keys) do
  chosen = found[key]
  if point < chosen.weight then break end
  point = point - chosen.weight
end
local miscount = miscounted(chosen.name)
if miscount then return miscount end

-- Write.
local full = refused('catalogue_names', redis.pcall('ZADD', CATALOGUE_NAMES, 0, entry))
if full then return full end
place(entry, chosen.name)
redis.call('HSET', STATE, 'schema', 1)
return {1, chosen.name, chosen.uri, chosen.options}

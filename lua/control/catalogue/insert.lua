-- control/catalogue/insert: notes that a queue is on a pool, whichever it was on before. Nothing is moved.
-- Of a topic: topic_catalogue and topic_catalogue_names stand in place of catalogue and catalogue_names.
--
-- KEYS
--   state pool_queues catalogue catalogue_names
-- ARGV
--   project  text  -  the project, as it stands in a tag
--   queue    text  -  the queue's name
--   pool     text  -  the pool's name
--   known    flag  -  1 = only where the queue is in the catalogue
-- REPLY
--   1 if it is new there, else 0
-- ERRORS
--   NOTMAPPED BADARG NEWERSCHEMA
-- COST
--   O(1)
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   unsafe
--   not new; undoes what another set between
if #KEYS ~= 4 or #ARGV ~= 4 then return redis.error_reply('BADARG call: wants 4 keys and 4 arguments') end
local STATE, POOL_QUEUES, CATALOGUE, CATALOGUE_NAMES = unpack(KEYS)
local project, queue, pool, known = unpack(ARGV)
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
if not is_name(pool) then return redis.error_reply('BADARG pool: wants 1 to 256 bytes without control characters') end
if known ~= '' and known ~= '1' then return redis.error_reply("BADARG known: wants 1 or ''") end
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
if known == '1' and redis.call('HEXISTS', CATALOGUE, entry) == 0 then
  return redis.error_reply('NOTMAPPED ' .. shown(queue) .. ' is in no pool')
end
local miscount = miscounted(pool) or miscounted(redis.call('HGET', CATALOGUE, entry))
if miscount then return miscount end
local is_new = redis.pcall('ZADD', CATALOGUE_NAMES, 0, entry)
local full = refused('catalogue_names', is_new)
if full then return full end
place(entry, pool)
redis.call('HSET', STATE, 'schema', 1)
return is_new

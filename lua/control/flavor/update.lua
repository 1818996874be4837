-- control/flavor/update: changes the capabilities of a flavor that is registered.
--
-- KEYS
--   state flavors
-- ARGV
--   project       text  -  the project, as it stands in a tag
--   name          text  -  its name
--   capabilities  bin   -  msgpack bin with a map inside, 4096 bytes at most, which is kept as it comes
-- REPLY
--   1
-- ERRORS
--   FLAVORGONE BADARG TOOLARGE NEWERSCHEMA
-- COST
--   O(1)
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   unsafe
--   the same; undoes what another set between
if #KEYS ~= 2 or #ARGV ~= 3 then return redis.error_reply('BADARG call: wants 2 keys and 3 arguments') end
local STATE, FLAVORS = unpack(KEYS)
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
if not is_project(project) then return redis.error_reply('BADARG project: wants a project as in a tag') end
local capabilities, bad = map_of('capabilities', ARGV[3], 4096)
if not capabilities then return bad end
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
if redis.call('HEXISTS', FLAVORS, entry) == 0 then
  return redis.error_reply('FLAVORGONE ' .. shown(name) .. ' is no flavor')
end
return refused('flavors', redis.pcall('HSET', FLAVORS, entry, capabilities)) or 1

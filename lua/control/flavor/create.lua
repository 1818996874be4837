-- control/flavor/create: registers a flavor of a project, or replaces what is registered under its name.
-- The pools of a flavor are those that bear its name.
--
-- KEYS
--   state flavors flavor_names
-- ARGV
--   project       text  -  the project, as it stands in a tag
--   name          text  -  1 to 256 bytes, no control characters
--   capabilities  bin   -  msgpack bin with a map inside, 4096 bytes at most, which is kept as it comes
-- REPLY
--   1 if it is new, else 0
-- ERRORS
--   BADARG TOOLARGE NEWERSCHEMA
-- COST
--   O(1)
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   unsafe
--   not new; undoes what another set between
if #KEYS ~= 3 or #ARGV ~= 3 then return redis.error_reply('BADARG call: wants 3 keys and 3 arguments') end
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
if not is_name(name) then return redis.error_reply('BADARG name: wants 1 to 256 bytes without control characters') end
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
local is_new = redis.pcall('HSET', FLAVORS, entry, capabilities)
local full = refused('flavors', is_new)
if full then return full end
redis.call('ZADD', FLAVOR_NAMES, 0, entry)
redis.call('HSET', STATE, 'schema', 1)
return is_new

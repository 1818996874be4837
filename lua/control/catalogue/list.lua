-- control/catalogue/list: the queues of a project that are on some pool, in the order of their names.
-- Of a topic: topic_catalogue and topic_catalogue_names stand in place of catalogue and catalogue_names.
--
-- KEYS
--   state catalogue catalogue_names
-- ARGV
--   project  text     -      the project, as it stands in a tag
--   marker   text?    -      begin after this name; '' = at the first
--   limit    integer  count  1 to 1000
-- REPLY
--   flat, for each queue: its name, its pool
-- ERRORS
--   BADARG NEWERSCHEMA
-- COST
--   O(limit)
-- WRITES
--   no
-- MORE
--   no
-- REPEAT
--   safe
--   as it is by then
if #KEYS ~= 3 or #ARGV ~= 3 then return redis.error_reply('BADARG call: wants 3 keys and 3 arguments') end
local STATE, CATALOGUE, CATALOGUE_NAMES = unpack(KEYS)
local project, marker = ARGV[1], ARGV[2]
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
-- {{{ lib/is_project
-- What belongs to a project stands under `project/name`, the project as in a tag, so that the first slash parts the two
-- and one set has all, by project and in the order of names.
local function is_project(text)
  return #text <= 768 and not string.find(text, '[/{}%c]')
end
-- }}}
-- {{{ lib/page_of
-- Up to `limit` names of a project after the marker.
local function page_of(set, project, marker, limit)
  local from = '(' .. project .. '/' .. marker
  -- '0' is what comes after '/'.
  local names = redis.call('ZRANGEBYLEX', set, from, '(' .. project .. '0', 'LIMIT', 0, limit)
  for i, name in ipairs(names) do names[i] = string.sub(name, #project + 2) end
  return names
end
-- }}}
local limit = whole(ARGV[3], 1, 1000)
if not limit then return redis.error_reply('BADARG limit: wants 1 to 1000') end
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
local reply = {}
for _, name in ipairs(page_of(CATALOGUE_NAMES, project, marker, limit)) do
  reply[#reply + 1], reply[#reply + 2] = name, redis.call('HGET', CATALOGUE, project .. '/' .. name)
end
return reply

-- Whether the extras of a letter are such as the scripts write: those that meet it later read them in the middle of
-- their writes, and trust them.
local function sound_extras(extras)
  if type(extras) ~= 'table' then return false end
  for name, low in pairs({ttl = 1, redriven = 0}) do
    local value = extras[name]
    local whole = type(value) == 'number' and value % 1 == 0 and value >= low and value <= 315360000000
    if value ~= nil and not whole then return false end
  end
  if extras.from == nil then return true end
  if type(extras.from) ~= 'table' or #extras.from == 0 then return false end
  for _, tag in ipairs(extras.from) do
    if type(tag) ~= 'string' or not string.find(tag, '^[^/{}]*/[^/{}]+$') then return false end
  end
  return true
end

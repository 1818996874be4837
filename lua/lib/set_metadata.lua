-- Replaces the metadata: the user's map as it came, and each reserved value in a field of its own. A changed ttl of
-- letters kept here may fall due earlier, so the next call looks. nil, or the refusal.
local function set_metadata(map, values)
  local full = refused('meta', redis.pcall('HSET', META, 'metadata', map, 'due', 0, unpack(values)))
  if full then return full end
  local kept, dropped = {}, {''}
  for i = 1, #values, 2 do kept[values[i]] = true end
  for name in pairs(RESERVED) do
    if not kept[name] then dropped[#dropped + 1] = name end
  end
  redis.call('HDEL', META, unpack(dropped))
end

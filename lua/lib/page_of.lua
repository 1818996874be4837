-- Up to `limit` names of a project after the marker.
local function page_of(set, project, marker, limit)
  local from = '(' .. project .. '/' .. marker
  -- '0' is what comes after '/'.
  local names = redis.call('ZRANGEBYLEX', set, from, '(' .. project .. '0', 'LIMIT', 0, limit)
  for i, name in ipairs(names) do names[i] = string.sub(name, #project + 2) end
  return names
end

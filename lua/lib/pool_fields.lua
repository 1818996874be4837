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

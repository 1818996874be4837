-- Replaces the metadata: the user's map as it came, and each reserved value in a field of its own. A changed ttl of
-- letters kept here may fall due earlier, so the next call looks. nil, or the refusal.
local function set_metadata(map, values)
  local full = refused('meta', redis.pcall('HSET', META, 'metadata', map, 'due', 0, unpack(values)))
  if full then return full end
  local dropped = {''}
  for _, name in ipairs({'_default_message_ttl', '_default_message_delay', '_max_claim_count', '_dead_letter_queue',
    '_dead_letter_queue_messages_ttl', '_max_messages_post_size', '_flavor'}) do
    local kept = false
    for i = 1, #values, 2 do kept = kept or values[i] == name end
    if not kept then dropped[#dropped + 1] = name end
  end
  redis.call('HDEL', META, unpack(dropped))
end

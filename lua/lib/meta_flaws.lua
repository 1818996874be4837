-- What is wrong with the fields of meta: pairs of a field and a sentence.
local function meta_flaws()
  local flaws = {}
  local function flawed(field, sentence) flaws[#flaws + 1] = {field, sentence} end
  local place, reaped = unpack(redis.call('HMGET', META, 'cursor', 'reaped'))
  if not (place and padded(place)) then
    flawed('cursor', 'is no id')
  elseif padded(place) > padded(last_id(LOG)) then
    flawed('cursor', 'is after the last id that the log gave')
  end
  if reaped and not padded(reaped) then flawed('reaped', 'is no id') end
  local names = {
    'due', 'fence', 'waiting_until', 'tokens_since', 'base_ttl', 'since', '_default_message_ttl',
    '_default_message_delay', '_max_claim_count', '_dead_letter_queue_messages_ttl', '_max_messages_post_size',
  }
  local values = redis.call('HMGET', META, unpack(names))
  for i, name in ipairs(names) do
    if values[i] and not whole(values[i], 0, 9007199254740991) then flawed(name, 'is no number') end
  end
  if values[5] and not values[6] then flawed('since', 'is not there, and base_ttl is') end
  return flaws
end

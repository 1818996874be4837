-- Reserved metadata, which the scripts themselves go by, as name and value pairs in ARGV from `at` on; all there is to
-- keep, or what it had goes. Answers the pairs, or nil and the refusal.
local function reserved(at)
  local bounds = {
    _default_message_ttl = {1, 315360000000}, _default_message_delay = {0, 315360000000},
    _max_claim_count = {1, 1000000000}, _dead_letter_queue_messages_ttl = {1, 315360000000},
    _max_messages_post_size = {1, 268435456}, _dead_letter_queue = {}, _flavor = {},
  }
  local pairs_of, values = {}, {}
  for i = at, #ARGV, 2 do
    local name, value = ARGV[i], ARGV[i + 1]
    local low, high = unpack(bounds[name] or {})
    if not bounds[name] then
      return nil, redis.error_reply('BADARG name: ' .. shown(name) .. ' is not reserved')
    end
    if low and not whole(value, low, high) then
      return nil, redis.error_reply('BADARG ' .. name .. ': wants ' .. low .. ' to ' .. high)
    end
    if not low and (#value < 1 or #value > 256 or string.find(value, '%c')) then
      return nil, redis.error_reply('BADARG ' .. name .. ': wants 1 to 256 bytes without control characters')
    end
    values[name] = value
    pairs_of[#pairs_of + 1], pairs_of[#pairs_of + 2] = name, value
  end
  if tonumber(values._default_message_delay or 0) >= tonumber(values._default_message_ttl or 1209600000) then
    return nil, redis.error_reply('BADARG _default_message_delay: wants less than the default ttl')
  end
  return pairs_of
end

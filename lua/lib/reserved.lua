-- Reserved metadata, which the scripts themselves go by: type, bounds (of text, in bytes), unit, and what it is for.
-- The manifest has the same, from here.
local RESERVED = {
  _default_message_ttl = {'integer', 1, 315360000000}, -- ms  how long a message lives that brings no ttl; else 14 days
  _default_message_delay = {'integer', 0, 315360000000}, -- ms  its delay where it brings none, below that ttl; else 0
  _max_claim_count = {'integer', 1, 1000000000}, -- count  how many claims a message has before it is dead; else no end
  _dead_letter_queue = {'text', 1, 256}, -- -  which queue of the project gets dead letters; else they stay here
  _dead_letter_queue_messages_ttl = {'integer', 1, 315360000000}, -- ms  how long a dead letter lives; else 14 days
  _max_messages_post_size = {'integer', 1, 268435456}, -- bytes  of all bodies of one post; else 4 MiB
  _flavor = {'text', 1, 256}, -- -  of which pools one is to hold the queue, where there are several
}

-- They come as name and value pairs in ARGV from `at` on; all there is to keep, or what it had goes. Answers the pairs,
-- or nil and the refusal.
local function reserved(at)
  local pairs_of, values = {}, {}
  for i = at, #ARGV, 2 do
    local name, value = ARGV[i], ARGV[i + 1]
    local kind, low, high = unpack(RESERVED[name] or {})
    if not kind then
      return nil, redis.error_reply('BADARG name: ' .. shown(name) .. ' is not reserved')
    end
    if kind == 'integer' and not whole(value, low, high) then
      return nil, redis.error_reply('BADARG ' .. name .. ': wants ' .. low .. ' to ' .. high)
    end
    if kind == 'text' and (#value < low or #value > high or string.find(value, '%c')) then
      return nil, redis.error_reply('BADARG ' .. name .. ': wants ' .. low .. ' to ' .. high
        .. ' bytes without control characters')
    end
    values[name] = value
    pairs_of[#pairs_of + 1], pairs_of[#pairs_of + 2] = name, value
  end
  if tonumber(values._default_message_delay or 0) >= tonumber(values._default_message_ttl or 1209600000) then
    return nil, redis.error_reply('BADARG _default_message_delay: wants less than the default ttl')
  end
  return pairs_of
end

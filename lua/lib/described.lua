-- As replies have it: id, subscriber, ttl, age, what is left of its life (all in ms), confirmed, options.
local function described(s)
  local age = math.max(0, now - string.match(s.id, '^%d+'))
  return s.id, s.subscriber, s.ttl, age, s.left, s.confirmed, s.options
end

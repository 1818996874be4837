-- Stores a subscription. nil, or the refusal.
local function write_subscription(s)
  local record = cmsgpack.pack({s.subscriber, s.ttl, s.confirmed, s.options})
  return refused('subscriptions', redis.pcall('HSET', SUBSCRIPTIONS, s.id, record, 'schema', 1))
end

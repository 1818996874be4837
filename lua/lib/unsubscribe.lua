-- Takes a subscription out, whether it has expired or not.
local function unsubscribe(id)
  local record = redis.call('HGET', SUBSCRIPTIONS, id)
  if not record then return end
  local subscriber = cmsgpack.unpack(record)[1]
  redis.call('HDEL', SUBSCRIPTIONS, id)
  redis.call('ZREM', EXPIRY, id)
  redis.call('ZREM', IDS, padded(id))
  if redis.call('HGET', SUBSCRIBERS, subscriber) == id then redis.call('HDEL', SUBSCRIBERS, subscriber) end
end

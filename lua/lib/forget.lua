-- Takes messages that nobody holds out of the log and of every index.
local function forget(ids)
  local members = {}
  for i, id in ipairs(ids) do members[i] = padded(id) end
  redis.call('XDEL', LOG, unpack(ids))
  redis.call('ZREM', RETURNED, unpack(members))
  redis.call('ZREM', DELAYED, unpack(ids))
  redis.call('ZREM', EXPIRY, unpack(ids))
  redis.call('HDEL', TRIES, unpack(ids))
end

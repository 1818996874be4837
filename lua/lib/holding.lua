-- The messages that a claim holds, flat: id, claims, ttl, envelope.
local function holding(ids)
  local messages = {}
  local expiry = redis.call('ZMSCORE', EXPIRY, unpack(ids))
  local tries = redis.call('HMGET', TRIES, unpack(ids))
  for i, id in ipairs(ids) do
    local entry = redis.call('XRANGE', LOG, id, id)[1]
    if entry then
      local envelope, ms = entry[2][2], tonumber(string.match(id, '^%d+'))
      local _, ttl = cmsgpack.unpack_limit(envelope, 1, 1)
      local n = #messages
      messages[n + 1], messages[n + 2] = id, (tonumber(tries[i]) or 0) + 1
      messages[n + 3], messages[n + 4] = (expiry[i] or ms + ttl) - ms, envelope
    end
  end
  return messages
end

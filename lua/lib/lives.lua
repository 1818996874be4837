-- When a message expires, in ms; nil where it has, where its claims are used up, or where it never was.
local function lives(id)
  local entry = redis.call('XRANGE', LOG, id, id)[1]
  if not entry or entry[1] ~= id then return nil end
  local _, ttl = cmsgpack.unpack_limit(entry[2][2], 1, 1)
  local expires = tonumber(redis.call('ZSCORE', EXPIRY, id) or nil) or string.match(id, '^%d+') + ttl
  if expires <= now then return nil end
  local owner = redis.call('HGET', HELD, id)
  local deadline = owner and redis.call('ZSCORE', CLAIMS, string.sub(owner, 1, 36))
  if deadline and tonumber(deadline) <= now and max_claims
    and (tonumber(redis.call('HGET', TRIES, id) or nil) or 0) + 1 >= max_claims then
    return nil
  end
  return expires
end

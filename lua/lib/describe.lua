-- What these entries of the log are now, without those that have expired or died: for each a list of id, claims, ttl,
-- delay, claim, envelope. What has lapsed or matured is taken for what it will be once it is swept.
local function describe(entries)
  if #entries == 0 then return {} end
  local names, found, deadlines = {}, {}, {}
  for i, entry in ipairs(entries) do names[i] = entry[1] end
  local owners = redis.call('HMGET', HELD, unpack(names))
  local tries = redis.call('HMGET', TRIES, unpack(names))
  local delayed = redis.call('ZMSCORE', DELAYED, unpack(names))
  local expiry = redis.call('ZMSCORE', EXPIRY, unpack(names))
  for i, entry in ipairs(entries) do
    local id, envelope = entry[1], entry[2][2]
    local ms = tonumber(string.match(id, '^%d+'))
    local _, own = cmsgpack.unpack_limit(envelope, 1, 1)
    local expires = tonumber(expiry[i]) or ms + own
    local claims, holder = tonumber(tries[i]) or 0, owners[i] and string.sub(owners[i], 1, 36)
    if holder then
      claims = claims + 1
      deadlines[holder] = deadlines[holder] or tonumber(redis.call('ZSCORE', CLAIMS, holder) or nil) or 0
    end
    local held = holder and deadlines[holder] > now
    local dead = holder and not held and max_claims and claims >= max_claims
    if expires > now and not dead then
      local delay = math.max((tonumber(delayed[i]) or 0) - now, 0)
      found[#found + 1] = {id, claims, expires - ms, delay, held and holder or '', envelope}
    end
  end
  return found
end

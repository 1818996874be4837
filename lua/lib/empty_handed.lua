-- There is nothing to claim. A caller that waits says until when, so that whoever brings something publishes it, and
-- learns when something may come back or mature by itself.
local function empty_handed()
  if wait == '' then return {} end
  if not meta[1] then return {now, 0} end
  local wrong = mistyped()
  if wrong then return wrong end
  local at = math.huge
  for _, index in ipairs({CLAIMS, DELAYED}) do
    at = math.min(at, tonumber(redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')[2]) or math.huge)
  end
  if now + wait > (tonumber(redis.call('HGET', META, 'waiting_until') or nil) or 0) then
    redis.call('HDEL', META, '')
    redis.call('HSET', META, 'waiting_until', now + wait)
  end
  return {now, at < math.huge and at or 0}
end

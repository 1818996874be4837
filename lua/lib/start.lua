-- Where a walk from the old end begins: past the head of the log where all of that has expired in order.
local function start_after(position)
  local border = late and base_ttl and redis.call('ZCARD', EXPIRY) == 0 and now - base_ttl or -1
  if border >= 0 and padded(position) < padded(border + 1 .. '-0') then return border + 1 .. '-0' end
  return '(' .. position
end

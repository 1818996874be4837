-- A letter of the queue's own store; nil where it is not there, or over its ttl.
local function kept(id)
  local entry = padded(id) and redis.call('XRANGE', DEAD, id, id)[1]
  if entry and entry[1] == id and string.match(id, '^%d+') + dead_ttl > now then return entry[2][2] end
end

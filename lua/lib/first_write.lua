-- The first write of what must go on at maxmemory. A script that has written is not refused any more, so where the
-- server is full an HDEL of nothing goes before it. nil, or the refusal.
local function first_write(part, ...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return nil end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then
    return redis.error_reply('BADARG ' .. part .. ': ' .. reply.err)
  end
  if not string.find(reply.err, 'OOM', 1, true) then return reply end
  redis.call('HDEL', META, '')
  redis.call(...)
end

-- The tag that the keys of another queue of this project have.
local function tag_of(name)
  local function encoded(byte) return string.format('%%%02X', string.byte(byte)) end
  return string.match(LOG, '{([^/]*/)') .. string.gsub(name, '[%%/{}%c]', encoded)
end

-- Moves a message whose claims are used up out of the log: to the outbox, addressed to the dead-letter queue, or to the
-- queue's own store where none is named or the letter has been there before. Answers when it falls due, if ever.
local function bury(id, claims)
  local entry = redis.call('XRANGE', LOG, id, id)[1]
  redis.call('XDEL', LOG, id)
  redis.call('ZREM', EXPIRY, id)
  redis.call('HDEL', TRIES, id)
  if not entry then return math.huge end
  local offset, ttl, client, extras = cmsgpack.unpack_limit(entry[2][2], 2, 1)
  if string.byte(entry[2][2]) == 148 then offset, extras = cmsgpack.unpack_limit(entry[2][2], 1, offset) end
  local here = string.match(LOG, '{(.*)}')
  local to = dead_letter_queue and tag_of(dead_letter_queue)
  extras = extras or {}
  local from = extras.from or {}
  from[#from + 1] = here
  for _, tag in ipairs(from) do
    if tag == to then to = nil end
  end
  local letter = '\148' .. cmsgpack.pack(dead_ttl) .. cmsgpack.pack(client)
    .. cmsgpack.pack({from = from, id = id, claims = claims, died = now, ttl = extras.ttl or ttl,
      redriven = extras.redriven}) .. string.sub(entry[2][2], offset + 1)
  if to then
    redis.call('XADD', OUTBOX, next_id(OUTBOX), 'to', to, 'm', letter)
    return math.huge
  end
  redis.call('XADD', DEAD, next_id(DEAD), 'm', letter)
  return now + dead_ttl
end

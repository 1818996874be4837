-- The tag that the keys of another queue of this project have.
local function tag_of(name)
  local function encoded(byte) return string.format('%%%02X', string.byte(byte)) end
  return string.match(LOG, '{([^/]*/)') .. string.gsub(name, '[%%/{}%c]', encoded)
end

-- The letter that a message becomes, and where it goes: nil where no dead-letter queue is named, or where it has
-- been there before.
local function letter_of(envelope, id, claims)
  local offset, ttl, client, extras = cmsgpack.unpack_limit(envelope, 2, 1)
  if string.byte(envelope) == 148 then offset, extras = cmsgpack.unpack_limit(envelope, 1, offset) end
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
      redriven = extras.redriven}) .. string.sub(envelope, offset + 1)
  return letter, to
end

-- Moves a message whose claims are used up out of the log: to the outbox, addressed to the dead-letter queue, or to the
-- queue's own store. Answers when it falls due, if ever.
local function bury(id, claims)
  local falls_due = math.huge
  local entry = redis.call('XRANGE', LOG, id, id)[1]
  if entry then
    -- What is no envelope, and so nobody's message, is kept as it is.
    local sound, letter, to = pcall(letter_of, entry[2][2], id, claims)
    if not sound then letter, to = entry[2][2], nil end
    if to then
      redis.call('XADD', OUTBOX, next_id(OUTBOX), 'to', to, 'm', letter)
    else
      redis.call('XADD', DEAD, next_id(DEAD), 'm', letter)
      falls_due = now + dead_ttl
    end
  end
  redis.call('XDEL', LOG, id)
  redis.call('ZREM', EXPIRY, id)
  redis.call('HDEL', TRIES, id)
  return falls_due
end

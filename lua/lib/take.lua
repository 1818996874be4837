-- Claimable messages, oldest first: those that came back, then those never claimed. Reads only.
-- They go to the end of `reply`, flat: id, claims, ttl, envelope. The lists say what a write has to undo.
local ids, expiries, marked, head = {}, {}, {}, #reply
local back, matured, expired = {}, {}, {}
local bytes, looked, exhausted, emptied = 0, 0, false, false
local position = cursor

-- The slow look, at what is not as usual: another ttl, a delay, a message that came back, a page that gets full.
-- false where it is, at 4 MiB; one message always fits. nil and the refusal where a key is of another type.
local function add_carefully(entries, members)
  local names = {}
  for i, entry in ipairs(entries) do names[i] = entry[1] end
  local expiry = redis.pcall('ZMSCORE', EXPIRY, unpack(names))
  local delayed = redis.pcall('ZMSCORE', DELAYED, unpack(names))
  local tries = redis.pcall('HMGET', TRIES, unpack(names))
  for part, answer in pairs({expiry = expiry, delayed = delayed, tries = tries}) do
    if answer.err then return nil, redis.error_reply('BADARG ' .. part .. ': ' .. answer.err) end
  end
  for i, entry in ipairs(entries) do
    local id, envelope, due_at = entry[1], entry[2][2], tonumber(delayed[i])
    local ms = tonumber(string.match(id, '^%d+'))
    local _, ttl = cmsgpack.unpack_limit(envelope, 1, 1)
    local expires = tonumber(expiry[i]) or ms + ttl
    if expires <= now then
      if not members then expired[#expired + 1] = id end
    elseif not (due_at and due_at > now) then
      local n = #ids + 1
      if n > 1 and bytes + #envelope > 4194304 then return false end
      bytes = bytes + #envelope
      ids[n], expiries[n], marked[n] = id, expires, expiry[i] or tries[i]
      local at = head + 4 * n
      reply[at - 3], reply[at - 2], reply[at - 1], reply[at] = id, (tries[i] or 0) + counts, expires - ms, envelope
      if members then back[#back + 1] = members[i] end
      if due_at then matured[#matured + 1] = id end
    end
    if not members then position = id end
  end
  return true
end

local room = true
if returned == '1' then
  local members = redis.pcall('ZRANGE', RETURNED, 0, limit - 1)
  local wrong = members[1] and mistyped()
  if members.err then return redis.error_reply('BADARG returned: ' .. members.err) end
  if wrong then return wrong end
  local entries, names, size, cut = {}, {}, 0, false
  for _, member in ipairs(members) do
    local entry = redis.call('XRANGE', LOG, member, member)[1]
    size = size + (entry and #entry[2][2] or 0)
    cut = size > 4194304 and #entries > 0
    if cut then break end
    if entry then
      entries[#entries + 1], names[#names + 1] = entry, member
    else
      back[#back + 1] = member
    end
  end
  room = #entries == 0 or add_carefully(entries, names)
  -- Nothing of the log may go before a large one that came back.
  if cut and #ids > 0 then room = false end
  emptied = #back == #members and #members < limit
end

-- While nothing is due, an envelope that begins as usual needs no second look: it is unexpired and not delayed.
local usual = base_ttl and not late and '\147' .. cmsgpack.pack(base_ttl)
while room and #ids < limit and looked < limit + 250 do
  local want = math.min(limit - #ids, 50)
  local entries = redis.pcall('XRANGE', LOG, '(' .. position, '+', 'COUNT', want)
  if entries.err then return redis.error_reply('BADARG log: ' .. entries.err) end
  local plain = usual and entries[1] and string.match(entries[1][1], '^%d+') + 0 > since
  local size = bytes
  for i = 1, plain and #entries or 0 do
    local envelope = entries[i][2][2]
    size = size + #envelope
    plain = plain and size <= 4194304 and string.sub(envelope, 1, #usual) == usual
  end
  if plain then
    local n = #ids
    for i = 1, #entries do
      local id, at = entries[i][1], head + 4 * (n + i)
      ids[n + i] = id
      reply[at - 3], reply[at - 2], reply[at - 1], reply[at] = id, counts, base_ttl, entries[i][2][2]
    end
    bytes, position = size, ids[#ids]
  elseif #entries > 0 then
    local wrong
    room, wrong = add_carefully(entries)
    if wrong then return wrong end
  end
  looked = looked + #entries
  exhausted = #entries < want
  if exhausted then break end
end

-- Empty-handed, though something may be claimable: sweep has to clear the way.
if #ids == 0 and (late or not exhausted) then return redis.error_reply('MORE sweep, then call again') end

-- What stands under a name, as it has to be, or nil: a message's entry in the log, the ttl in its envelope, and the
-- record of a claim with its ids still joined.
local function entry_of(id)
  local entry = padded(id) and redis.call('XRANGE', LOG, id, id)[1]
  return entry and entry[1] == id and entry or nil
end

local function ttl_of(envelope)
  local kind = string.byte(envelope)
  local read, _, ttl = pcall(cmsgpack.unpack_limit, envelope, 1, 1)
  local sound = read and (kind == 147 or kind == 148) and type(ttl) == 'number' and ttl % 1 == 0
  return sound and ttl > 0 and ttl < 9007199254740992 and ttl or nil
end

local function record_from(text)
  if not text or #text > 9216 then return nil end
  local fence, ttl, grace, earliest, ids, worker = string.match(text, '^(%d+) (%d+) (%d+) (%d+) (%S+) (.*)$')
  if not (fence and whole(fence, 0, 9007199254740991) and whole(ttl, 0, 9007199254740991)
    and whole(grace, 0, 9007199254740991) and whole(earliest, 0, 9007199254740991)) then
    return nil
  end
  return {fence = fence, ttl = ttl, grace = grace, earliest = earliest, joined = ids, worker = worker}
end

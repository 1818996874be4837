-- Messages join the log here. One script's ids share their ms and follow each other; nil where they would be past 2^53,
-- which only somebody else can bring about.
local function ids_from(first, many)
  if many == 1 then return {first} end
  local ms, seq = string.match(first, '^(%d+)%-(%d+)$')
  -- `%d` costs a third of `%.0f`, and where a C long has 32 bits it goes less far.
  local ids, form = {first}, tonumber(seq) < 2147483000 and '%s-%d' or '%s-%.0f'
  if form == '%s-%.0f' and seq + many >= 9007199254740992 then return nil end
  for i = 2, many do ids[i] = string.format(form, ms, seq + i - 1) end
  return ids
end

-- A message with the base ttl expires in the log's order and needs no index; others stand in `expiry`. The base changes
-- when every message stands there: in an empty log, for one. Answers the ids, or nil and the refusal.
local function append(envelopes, ttls, delays)
  local as_usual = true
  for i = 1, #ttls do as_usual = as_usual and ttls[i] == base_ttl and delays[i] == 0 end
  local rebased = false
  if not as_usual then
    -- Keys of another type are noticed before the first write.
    local queued, indexed, later = redis.pcall('XLEN', LOG), redis.pcall('ZCARD', EXPIRY), redis.pcall('ZCARD', DELAYED)
    local wrong = refused('log', queued) or refused('expiry', indexed) or refused('delayed', later)
    if wrong then return nil, wrong end
    rebased = indexed == queued
  end
  if rebased then base_ttl = ttls[1] end

  local first = redis.pcall('XADD', LOG, next_id(LOG), 'm', envelopes[1])
  local full = refused('log', first)
  if full then return nil, full end
  local ids = ids_from(first, #envelopes)
  if not ids then
    redis.call('XDEL', LOG, first)
    return nil, redis.error_reply('BADARG log: its last id is past all that it gives')
  end
  for i = 2, #ids do redis.call('XADD', LOG, ids[i], 'm', envelopes[i]) end
  if as_usual then
    wake(0)
    return ids
  end

  local ms, expiry, delayed, free_from = string.match(first, '^%d+'), {}, {}, math.huge
  local soonest = rebased and ms + base_ttl or math.huge
  for i, id in ipairs(ids) do
    if ttls[i] ~= base_ttl then
      expiry[#expiry + 1], expiry[#expiry + 2] = ms + ttls[i], id
      soonest = math.min(soonest, ms + ttls[i])
    end
    if delays[i] > 0 then
      delayed[#delayed + 1], delayed[#delayed + 2] = ms + delays[i], id
      soonest = math.min(soonest, ms + delays[i])
    end
    free_from = math.min(free_from, delays[i] > 0 and ms + delays[i] or 0)
  end
  if #expiry > 0 then redis.call('ZADD', EXPIRY, unpack(expiry)) end
  if #delayed > 0 then redis.call('ZADD', DELAYED, unpack(delayed)) end
  if rebased then redis.call('HSET', META, 'base_ttl', base_ttl, 'since', ms) end
  if soonest < due then redis.call('HSET', META, 'due', soonest) end
  wake(free_from)
  return ids
end

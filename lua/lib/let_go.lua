-- What becomes of messages whose claim ends: claimable again at their old places, or after a delay, or dead where their
-- claims are used up. tried is 1, or 0 where the try is handed back. Writes, HDEL first; the record is the caller's.
local function let_go(ids, tried, delay)
  local counts = redis.call('HMGET', TRIES, unpack(ids))
  redis.call('HDEL', HELD, unpack(ids))
  local returned, delayed, tries = {}, {}, {}
  local soonest = math.huge
  for i, id in ipairs(ids) do
    local count = (tonumber(counts[i]) or 0) + tried
    if max_claims and count >= max_claims then
      soonest = math.min(soonest, bury(id, count))
    else
      if tried > 0 then tries[#tries + 1], tries[#tries + 2] = id, count end
      if delay > 0 then
        delayed[#delayed + 1], delayed[#delayed + 2] = now + delay, id
        soonest = math.min(soonest, now + delay)
      else
        returned[#returned + 1], returned[#returned + 2] = 0, padded(id)
      end
    end
  end
  if #tries > 0 then redis.call('HSET', TRIES, unpack(tries)) end
  if #delayed > 0 then redis.call('ZADD', DELAYED, unpack(delayed)) end
  if #returned > 0 then
    redis.call('ZADD', RETURNED, unpack(returned))
    redis.call('HSET', META, 'returned', 1)
  end
  if soonest < due then
    due = soonest
    redis.call('HSET', META, 'due', due)
  end
  if #returned > 0 then
    wake(0)
  elseif #delayed > 0 then
    wake(now + delay)
  end
end

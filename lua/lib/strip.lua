-- Takes messages out of a claim's record; the claim ends with its last one.
local function strip(claim, record, gone)
  local left = {}
  for _, id in ipairs(record.ids) do
    if not gone[id] then left[#left + 1] = id end
  end
  if #left == 0 then
    redis.call('HDEL', HELD, claim)
    redis.call('ZREM', CLAIMS, claim)
  else
    record.ids = left
    redis.call('HSET', HELD, claim, write_record(record))
  end
end

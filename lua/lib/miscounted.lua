-- HINCRBY raises where a count is no number, whoever wrote it, so that is noticed before the first write.
local function miscounted(pool)
  local count = pool and redis.call('HGET', POOL_QUEUES, pool)
  if count and not (#count <= 16 and string.find(count, '^%-?%d+$')) then
    return redis.error_reply('BADARG pool_queues: a count is no number, control/check says which')
  end
end

-- Notes that a queue is on a pool, and how many queues each pool has.
local function place(entry, pool)
  local before = redis.call('HGET', CATALOGUE, entry)
  if before == pool then return end
  redis.call('HSET', CATALOGUE, entry, pool)
  redis.call('HINCRBY', POOL_QUEUES, pool, 1)
  if before and redis.call('HINCRBY', POOL_QUEUES, before, -1) <= 0 then redis.call('HDEL', POOL_QUEUES, before) end
end

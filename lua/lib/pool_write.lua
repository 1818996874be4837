-- Stores a pool, unless another one has its uri. nil, or the refusal.
local function write_pool(name, pool)
  local all = redis.call('HGETALL', POOLS)
  for i = 1, #all, 2 do
    if all[i] ~= name and read_pool(all[i + 1]).uri == pool.uri then
      return redis.error_reply('POOLEXISTS ' .. shown(all[i]) .. ' has this uri')
    end
  end
  local record = cmsgpack.pack({pool.weight, pool.uri, pool.flavor, pool.options})
  local full = refused('pools', redis.pcall('HSET', POOLS, name, record))
  if full then return full end
  redis.call('HSET', STATE, 'schema', 1)
end

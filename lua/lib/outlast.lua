-- The keys go by themselves a day after the last subscription has expired. By the server's clock, whoever brings `now`.
local function outlast(ttl, keys)
  for _, key in ipairs(keys) do
    if redis.call('PTTL', key) < ttl + 86400000 then redis.call('PEXPIRE', key, ttl + 86400000) end
  end
end

-- A key of another type is noticed before the first write: nil, or the refusal.
local function mistyped()
  local types = {
    log = 'stream', outbox = 'stream', dead = 'stream', claims = 'zset', returned = 'zset', delayed = 'zset',
    expiry = 'zset', meta = 'hash', held = 'hash', tries = 'hash', tokens = 'hash', tokens_before = 'hash',
    taken = 'hash', floor = 'hash', state = 'hash', pools = 'hash', pool_queues = 'hash', flavors = 'hash',
    flavor_names = 'zset', catalogue = 'hash', catalogue_names = 'zset', topic_catalogue = 'hash',
    topic_catalogue_names = 'zset', subscriptions = 'hash', subscribers = 'hash', subscription_ids = 'zset',
    subscription_expiry = 'zset',
  }
  for _, key in ipairs(KEYS) do
    local part, found = string.match(key, '[^:]*$'), redis.call('TYPE', key).ok
    if found ~= 'none' and found ~= types[part] then
      return redis.error_reply('BADARG ' .. part .. ': holds a ' .. found)
    end
  end
end

-- claim of the same shape, without rules.
local claim, ttl = ARGV[2], ARGV[3]
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local meta = redis.call('HMGET', KEYS[2], 'cursor', 'fence', 'due')
local known = redis.call('ZSCORE', KEYS[4], claim)
local reply, owners, ids = {}, {}, {}
local fence = (meta[2] or 0) + 1
for i, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. meta[1], '+', 'COUNT', ARGV[5])) do
  ids[i], owners[2 * i - 1], owners[2 * i] = entry[1], entry[1], claim
  reply[4 * i - 3], reply[4 * i - 2], reply[4 * i - 1], reply[4 * i] = entry[1], 1, 1209600000, entry[2][2]
end
owners[#owners + 1], owners[#owners + 2] = claim, ttl .. ' ' .. table.concat(ids, ',')
redis.call('HSET', KEYS[3], unpack(owners))
redis.call('ZADD', KEYS[4], now + ttl, claim)
redis.call('HSET', KEYS[2], 'cursor', ids[#ids], 'fence', fence)
return {now, fence, 1, 1, now + ttl, unpack(reply)}

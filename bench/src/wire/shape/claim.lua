-- claim: takes what stands behind the cursor, without a rule. KEYS: log, meta, held, claims. ARGV: claim, ttl, limit.
-- Answers the ids and envelopes.
local claim, ttl = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local meta = redis.call('HMGET', KEYS[2], 'cursor', 'fence')
local entries = redis.call('XRANGE', KEYS[1], '(' .. (meta[1] or '0-0'), '+', 'COUNT', ARGV[3])
if #entries == 0 then return {} end
local reply, owners, ids = {}, {}, {}
for i, entry in ipairs(entries) do
  ids[i], owners[2 * i - 1], owners[2 * i] = entry[1], entry[1], claim
  reply[2 * i - 1], reply[2 * i] = entry[1], entry[2][2]
end
owners[#owners + 1], owners[#owners + 2] = claim, ttl .. ' ' .. table.concat(ids, ',')
redis.call('HSET', KEYS[3], unpack(owners))
redis.call('ZADD', KEYS[4], time[1] * 1000 + ttl, claim)
redis.call('HSET', KEYS[2], 'cursor', ids[#ids], 'fence', (meta[2] or 0) + 1)
return reply

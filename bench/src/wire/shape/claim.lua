-- claim, with its keys, arguments and reply, and without a rule: it takes what stands behind the cursor.
local LOG, META, HELD, CLAIMS = unpack(KEYS)
local _, claim, ttl, grace, limit = unpack(ARGV)
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local meta = redis.call('HMGET', META, 'schema', 'due', 'cursor')
local entries = redis.call('XRANGE', LOG, '(' .. (meta[3] or '0-0'), '+', 'COUNT', limit)
if #entries == 0 then return {} end
local deadline, fence = now + ttl, string.format('%.0f', micros)
local reply, owners, ids = {now, micros, ttl, grace, deadline}, {}, {}
for i, entry in ipairs(entries) do
  local id, n = entry[1], #reply
  ids[i], owners[2 * i - 1], owners[2 * i] = id, id, claim
  reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4] = id, 1, 1209600000, entry[2][2]
end
owners[#owners + 1], owners[#owners + 2] = claim, fence .. ' ' .. ttl .. ' ' .. grace .. ' ' .. table.concat(ids, ',')
redis.call('HSET', HELD, unpack(owners))
redis.call('ZADD', CLAIMS, deadline, claim)
redis.call('HSET', META, 'cursor', ids[#ids], 'fence', fence, 'due', deadline)
return reply

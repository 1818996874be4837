-- post of the same shape, without rules.
local meta = redis.call('HMGET', KEYS[2], 'base_ttl')
local head = '\147' .. cmsgpack.pack(1209600000) .. cmsgpack.pack(ARGV[2])
local ids = {}
for i = 8, #ARGV, 3 do ids[#ids + 1] = redis.call('XADD', KEYS[1], '*', 'm', head .. ARGV[i]) end
return ids

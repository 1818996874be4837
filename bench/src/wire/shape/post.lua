-- post, with its keys, arguments and reply, and without a rule: no ttl, delay, token or bound is looked at.
local meta = redis.call('HMGET', KEYS[2], 'schema', 'base_ttl', 'due')
local head, ids = '\147' .. cmsgpack.pack(1209600000) .. cmsgpack.pack(ARGV[2]), {}
for i = 1, (#ARGV - 5) / 3 do ids[i] = redis.call('XADD', KEYS[1], '*', 'm', head .. ARGV[3 * i + 5]) end
return ids

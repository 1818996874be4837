-- post: appends messages, without a rule. ARGV: client, then the bodies. Answers the ids.
local head = '\147' .. cmsgpack.pack(1209600000) .. cmsgpack.pack(ARGV[1])
local ids = {}
for i = 2, #ARGV do ids[i - 1] = redis.call('XADD', KEYS[1], '*', 'm', head .. ARGV[i]) end
return ids

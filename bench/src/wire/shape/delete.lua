-- delete: all messages of a claim, and the claim, without a rule. KEYS: log, held, claims. ARGV: claim, ids.
redis.call('HMGET', KEYS[2], unpack(ARGV))
redis.call('XDEL', KEYS[1], unpack(ARGV, 2))
redis.call('HDEL', KEYS[2], unpack(ARGV))
redis.call('ZREM', KEYS[3], ARGV[1])
return #ARGV - 1

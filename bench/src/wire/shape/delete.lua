-- delete of all that a claim holds, with its keys, arguments and reply, and without a rule: whose they are is read, and
-- not looked at.
local LOG, _, HELD, CLAIMS = unpack(KEYS)
local claim, ids = ARGV[2], {unpack(ARGV, 3)}
redis.call('ZSCORE', CLAIMS, claim)
redis.call('HMGET', HELD, claim, unpack(ids))
redis.call('XDEL', LOG, unpack(ids))
redis.call('HDEL', HELD, claim, unpack(ids))
redis.call('ZREM', CLAIMS, claim)
return #ids

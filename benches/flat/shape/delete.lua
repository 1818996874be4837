-- delete of the same shape, without rules.
local time = redis.call('TIME')
local meta = redis.call('HMGET', KEYS[2], 'schema')
local deadline = redis.call('ZSCORE', KEYS[4], ARGV[2])
local owners = redis.call('HMGET', KEYS[3], unpack(ARGV, 2))
redis.call('XDEL', KEYS[1], unpack(ARGV, 3))
redis.call('HDEL', KEYS[3], unpack(ARGV, 2))
redis.call('ZREM', KEYS[4], ARGV[2])
return #ARGV - 2

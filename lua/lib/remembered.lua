-- What was kept under this token, if it was used. Tokens stand in two hashes that change places: the younger is
-- `tokens`, and the older goes when the younger is 60 s old. To look is also to notice a key of another type.
local kept, part = redis.pcall('HGET', TOKENS, token), 'tokens'
if not kept then kept, part = redis.pcall('HGET', TOKENS_BEFORE, token), 'tokens_before' end
if kept and kept.err then return redis.error_reply('BADARG ' .. part .. ': ' .. kept.err) end

-- A token is good for 60 s at least. Both hashes go by themselves where no further token comes, and with their queue.
local rotate = not tonumber(tokens_since) or now - tokens_since >= 60000
if rotate then
  redis.call('UNLINK', TOKENS_BEFORE)
  if redis.call('EXISTS', TOKENS) == 1 then redis.call('RENAME', TOKENS, TOKENS_BEFORE) end
  redis.call('HSET', META, 'tokens_since', now)
end
redis.call('HSET', TOKENS, token, value)
if rotate then redis.call('PEXPIRE', TOKENS, 180000) end

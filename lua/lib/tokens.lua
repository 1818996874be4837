-- Tokens stand in two hashes that change places: the younger is `tokens`, and the older goes when the younger is 60 s
-- old. So a token is good for 60 s at least. Both go by themselves where no further token comes, and with their queue.
-- A value begins with its verb; `since` is when they last changed places. To look for a token is also to notice a key
-- of another type before the first write.
local function remembered(name)
  for _, key in ipairs({TOKENS, TOKENS_BEFORE}) do
    local value = redis.pcall('HGET', key, name)
    if type(value) == 'table' then
      return nil, redis.error_reply('BADARG ' .. string.match(key, '[^:]*$') .. ': ' .. value.err)
    end
    if value then return value end
  end
end

local function remember(name, value, since)
  local rotate = not since or now - since >= 60000
  if rotate then
    redis.call('UNLINK', TOKENS_BEFORE)
    if redis.call('EXISTS', TOKENS) == 1 then redis.call('RENAME', TOKENS, TOKENS_BEFORE) end
    redis.call('HSET', META, 'tokens_since', now)
  end
  redis.call('HSET', TOKENS, name, value)
  if rotate then redis.call('PEXPIRE', TOKENS, 180000) end
end

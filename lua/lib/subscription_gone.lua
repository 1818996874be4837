-- The refusal. What is no id is not repeated: it may be a uri, with a password in it.
local function subscription_gone(id)
  local named = #id <= 32 and string.find(id, '^%d+%-%d+$') and id or 'that'
  return redis.error_reply('SUBSCRIPTIONGONE ' .. named .. ' is no subscription, or has expired')
end

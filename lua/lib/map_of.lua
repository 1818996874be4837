-- The user's map out of its bin, at most 256 KiB; or nil and the refusal. Its inside is the user's own.
local function map_of(bin)
  local length, at = bin_length(bin, 1)
  local kind = length and string.byte(bin, at) or 0
  if not (kind >= 128 and kind <= 143 or kind == 222 or kind == 223) then
    return nil, redis.error_reply('BADARG metadata: wants a whole msgpack bin with a map inside')
  end
  if length > 262144 then
    return nil, redis.error_reply('TOOLARGE metadata: ' .. length .. ' bytes, at most 262144')
  end
  return string.sub(bin, at)
end

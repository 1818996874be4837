-- An empty stream that goes on after an id. A group is the way to make a stream without an entry.
local function start_stream(key, after)
  if after == '0-0' then return end
  redis.call('XGROUP', 'CREATE', key, 'start', '$', 'MKSTREAM')
  redis.call('XGROUP', 'DESTROY', key, 'start')
  redis.call('XSETID', key, after)
end

-- An empty log that goes on after an id. A group is the way to make a stream without an entry.
local function start_log(after)
  if after == '0-0' then return end
  redis.call('XGROUP', 'CREATE', LOG, 'start', '$', 'MKSTREAM')
  redis.call('XGROUP', 'DESTROY', LOG, 'start')
  redis.call('XSETID', LOG, after)
end

-- The record as text again.
local function write_record(r)
  local head = r.fence .. ' ' .. r.ttl .. ' ' .. r.grace .. ' ' .. r.earliest
  return head .. ' ' .. table.concat(r.ids, ',') .. ' ' .. r.worker
end

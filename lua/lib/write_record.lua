-- The record as text again.
local function write_record(r)
  return table.concat({r.fence, r.ttl, r.grace, r.earliest, table.concat(r.ids, ','), r.worker}, ' ')
end

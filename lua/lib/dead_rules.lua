-- When a message is dead and where it goes, from meta: schema, due, and these three reserved values in this order.
local due, max_claims, dead_letter_queue = tonumber(meta[2]) or math.huge, tonumber(meta[3]), meta[4]
local dead_ttl = tonumber(meta[5]) or 1209600000

-- Puts the letters that `letter_of` finds under these ids into the outbox, each once. Answers the ids of those that set
-- out, or nil and the refusal; to take them out of their old place is the caller's.
local function set_out(ids, to, letter_of)
  local found, letters, tags, seen = {}, {}, {}, {}
  for _, id in ipairs(ids) do
    local letter, again, tag = not seen[id] and letter_of(id)
    if letter then again, tag = readdress(letter, to) end
    if again then
      seen[id] = true
      found[#found + 1], letters[#letters + 1], tags[#tags + 1] = id, again, tag
    end
  end
  for i, letter in ipairs(letters) do
    local full = refused('outbox', redis.pcall('XADD', OUTBOX, next_id(OUTBOX), 'to', tags[i], 'm', letter))
    if full then return nil, full end
  end
  return found
end

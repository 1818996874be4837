-- A letter as it sets out again: with the ttl and the body that it had before it died, without its past but for how
-- often it set out so, and the tag of the queue it goes to: `to`, or else where it died. nil where it is no letter.
local function readdress(letter, to)
  local sound, offset, ttl, client, extras = pcall(cmsgpack.unpack_limit, letter, 3, 1)
  local from = sound and string.byte(letter) == 148 and type(extras) == 'table' and extras.from
  if type(from) ~= 'table' or #from == 0 then return nil end
  local again = '\148' .. cmsgpack.pack(extras.ttl or ttl) .. cmsgpack.pack(client)
    .. cmsgpack.pack({redriven = (extras.redriven or 0) + 1}) .. string.sub(letter, offset + 1)
  return again, to ~= '' and to or from[#from]
end

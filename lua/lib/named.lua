-- A name: 1 to 256 bytes without control characters.
local function is_name(text)
  return #text >= 1 and #text <= 256 and not string.find(text, '%c')
end

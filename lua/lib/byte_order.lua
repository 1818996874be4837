-- A name as text that sorts by its bytes, three digits each: Lua compares by the locale that the server was started in.
local digits = {}
for byte = 0, 255 do digits[string.char(byte)] = string.format('%03d', byte) end
local function byte_order(name)
  return (string.gsub(name, '.', digits))
end

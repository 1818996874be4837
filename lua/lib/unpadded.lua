-- The id that a padded one stands for.
local function unpadded(member)
  return (string.gsub(member, '0*(%d+)%-0*(%d+)', '%1-%2'))
end

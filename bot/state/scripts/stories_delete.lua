-- Removes stories. ARGV: ids. Returns how many there were. O(ids)
local count = 0
for _, id in ipairs(ARGV) do
  count = count + remove(id)
end
return {count}

-- The scripts run inside the server: Lua 5.1 with these globals and no others.
std = "lua51"
read_globals = { "redis", "KEYS", "ARGV", "cmsgpack" }
max_line_length = 120
-- The pieces are checked where they stand in the scripts.
exclude_files = { "lua/lib" }
-- Pieces serve several scripts: one needs micros and expiries, another does not; and names meet.
ignore = { "311/micros", "231/micros", "241/expiries", "43." }

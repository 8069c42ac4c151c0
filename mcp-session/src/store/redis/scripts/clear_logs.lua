-- KEYS: two that do not matter, and when which logs of the owner expire. ARGV: what the keys of the
-- owner begin with.
for _, name in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
    redis.call('UNLINK', ARGV[1] .. 'e:' .. name, ARGV[1] .. 'l:' .. name)
end
return redis.call('DEL', KEYS[3])

-- ARGV: the revision that is expected, or nothing. Returns 1; 0 for none there, -1 for a conflict.
local expected = ARGV[3]
prune(now())
if redis.call('EXISTS', record) == 0 then
    return 0
end
if expected ~= '' and redis.call('GETRANGE', record, 0, 7) ~= expected then
    return -1
end
redis.call('DEL', record)
forget(name)
settle()
return 1

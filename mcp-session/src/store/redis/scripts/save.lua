-- ARGV: the revision that is expected, revision and value in one, time to live, most bytes. Returns
-- 1; 0 for a conflict, -2 for too many bytes.
local expected, value, ttl, most_bytes = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local moment = now()
prune(moment)
if redis.call('GETRANGE', record, 0, 7) ~= expected then
    return 0
end
local size = #name + #value - 8
local before = redis.call('STRLEN', record) + #name - 8
local total = redis.call('HGET', sizes, 'total') or 0
if size > before and most_bytes ~= '' and total + size - before > tonumber(most_bytes) then
    return -2
end
redis.call('SET', record, value, 'KEEPTTL')
resize(name, size)
local remaining = left()
if ttl ~= '' and remaining >= 0 and tonumber(ttl) > remaining then
    expire(name, moment + ttl)
end
settle()
return 1

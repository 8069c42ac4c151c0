-- ARGV: revision and value in one, time to live, most records, most bytes; nothing for those that
-- are not said. Returns 1; 0 for a conflict, -1 for too many records, -2 for too many bytes.
local value, ttl, most_records, most_bytes = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local moment = now()
prune(moment)
if redis.call('EXISTS', record) == 1 then
    return 0
end
if most_records ~= '' and redis.call('ZCARD', names) >= tonumber(most_records) then
    return -1
end
local size = #name + #value - 8
local total = redis.call('HGET', sizes, 'total') or 0
if most_bytes ~= '' and total + size > tonumber(most_bytes) then
    return -2
end
if ttl ~= '0' then
    redis.call('SET', record, value)
    resize(name, size)
    redis.call('ZADD', names, 0, name)
    if ttl == '' then
        redis.call('ZADD', due, '+inf', name)
    else
        expire(name, moment + ttl)
    end
end
settle()
return 1

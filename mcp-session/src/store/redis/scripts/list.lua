-- ARGV: where to begin, as a range of names begins, and how many to return.
local from, limit = ARGV[3], tonumber(ARGV[4])
local found = {}
local function page()
    return redis.call('ZRANGEBYLEX', names, from, '+', 'LIMIT', 0, math.min(limit, 1000))
end
local known = page()
while #known > 0 and #found < limit do
    for _, name in ipairs(known) do
        if #found >= limit then
            break
        end
        local value = redis.call('GET', records .. name)
        if value then
            table.insert(found, {name, value, redis.call('PTTL', records .. name)})
        end
        from = '(' .. name
    end
    known = page()
end
return found

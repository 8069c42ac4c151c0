-- KEYS: the events, and what is known of them. ARGV: the number that they follow, or 0, and how many
-- at most. Returns what the numbers come after, the newest that is gone, and the last; and the
-- events, if that number is among these. Nothing where there is no log.
local events, known = KEYS[1], KEYS[2]
local after, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local base, last = unpack(redis.call('HMGET', known, 'base', 'last'))
if not last then
    return false
end
local trimmed = last - redis.call('LLEN', events)
if after == 0 then
    after = tonumber(base)
end
local found = {}
if after >= trimmed and after <= tonumber(last) and most > 0 then
    local from = after - trimmed
    found = redis.call('LRANGE', events, from, string.format('%.0f', from + most - 1))
end
return {{base, string.format('%.0f', trimmed), last}, found}

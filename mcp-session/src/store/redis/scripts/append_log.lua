-- KEYS: the events, what is known of them, and when which logs of the owner expire. ARGV: the name
-- of the log, what the numbers of a new one come after, most events, most bytes, how old they may
-- be, and the events. Returns the number of the last one.
local events, known, logs = KEYS[1], KEYS[2], KEYS[3]
local name, base, age = ARGV[1], ARGV[2], tonumber(ARGV[5])
local most_events, most_bytes = tonumber(ARGV[3]), tonumber(ARGV[4])

-- Numbers have more digits than are written otherwise.
local function digits(number)
    return string.format('%.0f', number)
end

local time = redis.call('TIME')
local moment = time[1] * 1000 + math.floor(time[2] / 1000)
local since = string.format('%015.0f', moment)

local last, bytes = unpack(redis.call('HMGET', known, 'last', 'bytes'))
if not last then
    redis.call('DEL', events)
    redis.call('HSET', known, 'base', base)
    last, bytes = base, 0
end
last, bytes = last + #ARGV - 5, tonumber(bytes)
for at = 6, #ARGV do
    redis.call('RPUSH', events, since .. ARGV[at])
    bytes = bytes + #ARGV[at]
end

-- The oldest go first, and the newest stays.
local count = redis.call('LLEN', events)
while count > 1 do
    local oldest = redis.call('LINDEX', events, 0)
    local fits = not (most_events and count > most_events) and not (most_bytes and bytes > most_bytes)
    if fits and moment - tonumber(string.sub(oldest, 1, 15)) < age then
        break
    end
    redis.call('LPOP', events)
    count = count - 1
    bytes = bytes - (#oldest - 15)
end

redis.call('HSET', known, 'last', digits(last), 'bytes', digits(bytes))
local expires = moment + age
redis.call('ZADD', logs, digits(expires), name)
redis.call('ZREMRANGEBYSCORE', logs, '-inf', digits(moment))
for _, key in ipairs({events, known}) do
    redis.call('PEXPIREAT', key, digits(expires))
end
local longest = redis.call('ZREVRANGE', logs, 0, 0, 'WITHSCORES')[2]
if longest then
    redis.call('PEXPIREAT', logs, digits(longest + 1000))
end
return digits(last)

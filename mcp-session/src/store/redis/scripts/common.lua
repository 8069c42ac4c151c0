-- What all scripts share. KEYS: the record, and three of its owner, in the same slot: the names in
-- their order, when they expire (infinity for never), and their sizes with the total. ARGV[1] is
-- the name, ARGV[2] what the keys of records begin with.
local record, names, due, sizes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local name, records = ARGV[1], ARGV[2]

local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Numbers of milliseconds have more digits than are written otherwise.
local function digits(number)
    return string.format('%.0f', number)
end

local function forget(name)
    local size = redis.call('HGET', sizes, 's' .. name) or 0
    redis.call('HDEL', sizes, 's' .. name)
    redis.call('HINCRBY', sizes, 'total', 0 - size)
    redis.call('ZREM', names, name)
    redis.call('ZREM', due, name)
end

local function resize(name, size)
    local before = redis.call('HGET', sizes, 's' .. name) or 0
    redis.call('HSET', sizes, 's' .. name, size)
    redis.call('HINCRBY', sizes, 'total', size - before)
end

local function expire(name, moment)
    redis.call('PEXPIREAT', record, digits(moment))
    redis.call('ZADD', due, digits(moment), name)
end

-- Forgets what has expired, and makes sure that it is gone: the clock may have moved on since the
-- engine looked at it.
local function prune(moment)
    local gone = redis.call('ZRANGEBYSCORE', due, '-inf', digits(moment))
    for _, name in ipairs(gone) do
        redis.call('DEL', records .. name)
        forget(name)
    end
end

-- What is known of an owner goes with its last record.
local function settle()
    local last = redis.call('ZREVRANGE', due, 0, 0, 'WITHSCORES')[2]
    if not last then
        redis.call('DEL', names, due, sizes)
    elseif last == 'inf' then
        for _, key in ipairs({names, due, sizes}) do
            redis.call('PERSIST', key)
        end
    else
        for _, key in ipairs({names, due, sizes}) do
            redis.call('PEXPIREAT', key, digits(last + 1000))
        end
    end
end

-- The milliseconds that a record has left: -1 for ever, -2 where there is none.
local function left()
    return redis.call('PTTL', record)
end


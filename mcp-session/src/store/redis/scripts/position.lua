-- KEYS: the stream, and what counts its entries. Returns the last entry, and its number.
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
return {last and last[1] or '0-0', tonumber(redis.call('GET', KEYS[2]) or 0)}

-- KEYS: the stream, and what counts its entries. ARGV: the event, how many entries are kept, and for
-- how many seconds when nothing happens. Returns the number of the entry.
local number = redis.call('INCR', KEYS[2])
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'n', number, 'e', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return number

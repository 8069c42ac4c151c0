-- ARGV: the time to live. Returns what a load does, as it is then.
local ttl = ARGV[3]
local moment = now()
prune(moment)
local remaining = left()
if remaining >= 0 and tonumber(ttl) > remaining then
    expire(name, moment + ttl)
    settle()
end
return {redis.call('GET', record), left()}

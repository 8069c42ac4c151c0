for _, name in ipairs(redis.call('ZRANGE', names, 0, -1)) do
    redis.call('UNLINK', records .. name)
end
redis.call('DEL', names, due, sizes)
return 1

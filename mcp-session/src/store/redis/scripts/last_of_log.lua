-- KEYS: the events, and what is known of them. Returns the number of the last one, or 0.
return redis.call('HGET', KEYS[2], 'last') or '0'

return {redis.call('GET', record), left()}

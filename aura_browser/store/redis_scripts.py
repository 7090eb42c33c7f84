"""The Lua scripts of the Redis store: each is one atomic step."""

from typing import Final

# If the connection drops before the reply, the client sends the script again. So every script that writes recognises
# its earlier run: a swap by its id, a lock by its token.
#
# Redis does not undo the writes of a failed script, so the write that may run out of memory comes first.
#
# A session is a hash: value; fence, of the last write under a lease; id, of the last write.
# A lock is a string: fence, blank, token.

# Keys: session, lock. Arguments: id, fence or "", expiry in epoch milliseconds or "", minimum lifetime in seconds,
# has a before, has an after, before, after. Secrets come last, because some errors of Redis quote the first arguments.
SWAP: Final = """
local id, fence, expires, least, has_before, has_after, before, after = unpack(ARGV)
local kept = redis.call('HMGET', KEYS[1], 'value', 'fence', 'id')
if kept[3] == id then return 1 end
local last = kept[2] or '0'
if fence ~= '' then
    local holder = string.match(redis.call('GET', KEYS[2]) or '', '^(%d+) ')
    if holder ~= fence or tonumber(fence) < tonumber(last) then return -1 end
    last = fence
end
if kept[1] ~= (has_before == '1' and before) then return 0 end
if has_after ~= '1' then
    redis.call('DEL', KEYS[1])
    return 1
end
redis.call('HSET', KEYS[1], 'value', after, 'fence', last, 'id', id)
if expires == '' then
    redis.call('PERSIST', KEYS[1])
else
    local soonest = (redis.call('TIME')[1] + least) * 1000
    redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', math.max(soonest, tonumber(expires))))
end
return 1
"""

# Keys: lock, fence. Arguments: token, lease in milliseconds. A fence is at least the time in microseconds, so that it
# grows even if Redis loses the last one: the fence of an earlier holder must never be issued again.
ACQUIRE: Final = """
local held = redis.call('GET', KEYS[1])
if held then
    local fence, token = string.match(held, '^(%d+) (.+)$')
    return token == ARGV[1] and fence
end
local now = redis.call('TIME')
local next = tonumber(redis.call('GET', KEYS[2]) or '0') + 1
local fence = string.format('%.0f', math.max(next, now[1] * 1000000 + now[2]))
redis.call('SET', KEYS[2], fence)
redis.call('SET', KEYS[1], fence .. ' ' .. ARGV[1], 'PX', ARGV[2])
return fence
"""

# Keys: lock. Arguments: token, lease in milliseconds.
RENEW: Final = """
if string.match(redis.call('GET', KEYS[1]) or '', ' (.+)$') ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

# Keys: lock. Arguments: token.
RELEASE: Final = """
if string.match(redis.call('GET', KEYS[1]) or '', ' (.+)$') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""

# Keys: session, its new key (a number is added if it is taken). Another process may have set the session aside.
SET_ASIDE: Final = """
local place, number = KEYS[2], 1
if redis.call('EXISTS', KEYS[1]) == 0 then return place end
while redis.call('EXISTS', place) == 1 do
    number = number + 1
    place = KEYS[2] .. '-' .. number
end
redis.call('RENAME', KEYS[1], place)
return place
"""

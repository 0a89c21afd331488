"""The one script that runs inside Redis: numbering takes decisions that no list of commands can take."""

NUMBER = """
local until_us = tonumber(ARGV[1])
if ARGV[6] ~= '' then
  local gone = redis.call('ZRANGEBYSCORE', ARGV[2] .. 'heard', '-inf', ARGV[6])
  for _, owner in ipairs(gone) do
    redis.call('ZREM', ARGV[2] .. 'heard', owner)
    redis.call('ZREM', ARGV[2] .. 'handed_in', owner)
  end
  local first = redis.call('ZRANGE', ARGV[2] .. 'handed_in', 0, 0, 'WITHSCORES')[2]
  if first and tonumber(first) < until_us then until_us = tonumber(first) end
end
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', until_us), 'LIMIT', 0, ARGV[4])
for _, member in ipairs(due) do
  local it = cjson.decode(member)
  local owner, token, session, step, at = it[2], it[3], it[4], it[5], it[1]
  local key = ARGV[2] .. 'journey:' .. session
  local before = redis.call('HMGET', key, 'step', 'at')
  local sequence = redis.call('HINCRBY', key, 'sequence', 1)
  redis.call('HSET', key, 'step', step, 'at', at)
  redis.call('EXPIRE', key, ARGV[3])
  local answer = cjson.encode({token, sequence, before[1], before[2], at})
  redis.call('RPUSH', ARGV[2] .. 'numbered:' .. owner, answer)
  redis.call('EXPIRE', ARGV[2] .. 'numbered:' .. owner, ARGV[5])
  redis.call('ZREM', KEYS[1], member)
end
return #due
"""
"""Numbers the steps that are due, whoever handed them in, and leaves each its owner's answer.

Key: the steps. Arguments: time until which, prefix of the keys, seconds that a session lasts, steps at most,
seconds that an answer waits, and the time since which a worker must have been heard of to be waited for,
empty for no waiting. Times are strings of microseconds: Lua's numbers, written out, have 14 digits.
"""

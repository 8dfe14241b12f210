"""The steps of a store in Redis, as its own scripts: each is done whole and alone. Knows keys, not what is in blobs.

    r:ID         hash: the record's fields; of an unfinished one realm, job, owner, leased_until_s, num_takeovers too,
                 of one with a replay realm and job
    f:ID, p:ID   lists: frames (the n-th has the number n) and pasts
    age          sorted set: every id by created_s
    open:REALM   sorted set: unfinished ids by leased_until_s
    replays      sorted set: ids of finished ones that have a replay, by the end of its time
    bytes        hash: what each id costs; total: the sum

All are behind a prefix, KEYS[1]. Keys are made within the scripts, so this is for one Redis, not for a cluster.
"""

_COMMON = """
local P = KEYS[1]
local function field(id, name) return redis.call('HGET', P .. 'r:' .. id, name) end
local function is_open(id)
  local status = field(id, 'status')
  return status == 'queued' or status == 'in_progress'
end
local function is_mine(id, owner) return is_open(id) and field(id, 'owner') == owner end
local function grow(id, num)
  redis.call('HINCRBY', P .. 'bytes', id, num)
  redis.call('INCRBY', P .. 'total', num)
end
local function in_s(seconds)  -- by the clock of Redis, as it is when the script begins
  local now = redis.call('TIME')
  return string.format('%.6f', now[1] + now[2] / 1e6 + seconds)
end
local function lease_until(id, owner, until_s)
  redis.call('HSET', P .. 'r:' .. id, 'owner', owner, 'leased_until_s', until_s)
  redis.call('ZADD', P .. 'open:' .. field(id, 'realm'), until_s, id)
end
local function lease(id, owner, seconds) lease_until(id, owner, in_s(seconds)) end
local function insert(id, created_s, first, last)  -- names and values are ARGV[first..last]
  for i = first, last, 2 do
    redis.call('HSET', P .. 'r:' .. id, ARGV[i], ARGV[i + 1])
    grow(id, #ARGV[i + 1])
  end
  redis.call('ZADD', P .. 'age', created_s, id)
end
local function add(id, past, number, first)  -- frames are ARGV[first..], the first has this number
  if #ARGV >= first and redis.call('LLEN', P .. 'f:' .. id) ~= tonumber(number) then
    return redis.error_reply('frames of ' .. id .. ' are not in order')
  end
  if #past > 0 then
    redis.call('RPUSH', P .. 'p:' .. id, past)
    redis.call('HINCRBY', P .. 'r:' .. id, 'kept_bytes', #past)
    grow(id, #past)
  end
  for i = first, #ARGV do
    redis.call('RPUSH', P .. 'f:' .. id, ARGV[i])
    grow(id, #ARGV[i])
  end
end
local function drop_job(id)
  grow(id, -tonumber(field(id, 'kept_bytes')))
  redis.call('HDEL', P .. 'r:' .. id, 'job', 'owner', 'kept_bytes')
  redis.call('DEL', P .. 'p:' .. id)
end
local function finish(id, status, response)
  redis.call('ZREM', P .. 'open:' .. field(id, 'realm'), id)
  grow(id, #response - #field(id, 'response'))
  redis.call('HSET', P .. 'r:' .. id, 'status', status, 'response', response)
  drop_job(id)
end
local function keep_job(id, realm, job)
  redis.call('HSET', P .. 'r:' .. id, 'realm', realm, 'job', job, 'num_takeovers', 0, 'kept_bytes', #job)
  grow(id, #job)
end
local function taken(id, owner, lease_s)
  lease(id, owner, lease_s)
  local takeovers = redis.call('HINCRBY', P .. 'r:' .. id, 'num_takeovers', 1)
  local pasts = redis.call('LRANGE', P .. 'p:' .. id, 0, -1)
  return {id, field(id, 'job'), pasts, redis.call('LLEN', P .. 'f:' .. id), takeovers}
end
local function forget(id)
  local realm = field(id, 'realm')
  if realm then redis.call('ZREM', P .. 'open:' .. realm, id) end
  redis.call('ZREM', P .. 'age', id)
  redis.call('ZREM', P .. 'replays', id)
  grow(id, -tonumber(redis.call('HGET', P .. 'bytes', id) or 0))
  redis.call('HDEL', P .. 'bytes', id)
  redis.call('DEL', P .. 'r:' .. id, P .. 'f:' .. id, P .. 'p:' .. id)
end
"""

_STEPS = {
    "PUT": "insert(ARGV[1], ARGV[2], 3, #ARGV)",
    "PUT_WITH_REPLAY": """
local id, created_s, realm, job, until_s, past = unpack(ARGV)
insert(id, created_s, 7, #ARGV)
keep_job(id, realm, job)
redis.call('ZADD', P .. 'replays', until_s, id)
return add(id, past, 0, #ARGV + 1)
""",
    "REPLAY": """
local until_s = redis.call('ZSCORE', P .. 'replays', ARGV[1])
if not until_s then return false end
local id = ARGV[1]
return {field(id, 'realm'), field(id, 'job'), redis.call('LRANGE', P .. 'p:' .. id, 0, -1), until_s}
""",
    "RESUME": """
local id, owner, lease_s = unpack(ARGV)
if field(id, 'status') ~= 'cancelled' or redis.call('ZREM', P .. 'replays', id) == 0 then return false end
redis.call('HSET', P .. 'r:' .. id, 'status', 'in_progress')
return taken(id, owner, lease_s)
""",
    "DROP_REPLAYS": """
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'replays', '-inf', '(' .. ARGV[1])) do
  redis.call('ZREM', P .. 'replays', id)
  if field(id, 'kept_bytes') then drop_job(id) end
end
""",
    "BEGIN": """
local id, created_s, realm, job, owner, lease_s, past, num_values = unpack(ARGV)
insert(id, created_s, 9, 8 + num_values)
keep_job(id, realm, job)
lease(id, owner, lease_s)
return add(id, past, 0, 9 + num_values)
""",
    "APPEND": """
local id, owner, num_takeovers, past, status, response, number = unpack(ARGV, 1, 7)
if not is_mine(id, owner) or field(id, 'num_takeovers') ~= num_takeovers then return 0 end
redis.call('HSET', P .. 'r:' .. id, 'status', 'in_progress')
local wrong = add(id, past, number, 8)
if wrong then return wrong end
if status ~= '' then finish(id, status, response) end
return 1
""",
    "CANCEL": """
local id, tenant, response = unpack(ARGV)
if not is_open(id) or field(id, 'tenant') ~= tenant then return 0 end
finish(id, 'cancelled', response)
return 1
""",
    "DELETE": """
local id, tenant = unpack(ARGV)
if field(id, 'tenant') ~= tenant then return 0 end
forget(id)
return 1
""",
    "RENEW": """
local mine = {}
for i = 3, #ARGV do
  if is_mine(ARGV[i], ARGV[1]) then
    lease(ARGV[i], ARGV[1], ARGV[2])
    table.insert(mine, ARGV[i])
  end
end
return mine
""",
    "RELEASE": """
for _, id in ipairs(redis.call('ZRANGE', P .. 'open:' .. ARGV[1], 0, -1)) do
  if is_mine(id, ARGV[2]) then lease_until(id, ARGV[2], 0) end
end
""",
    "CLAIM": """
local realm, owner, lease_s = unpack(ARGV, 1, 3)
local but = {}
for i = 4, #ARGV do but[ARGV[i]] = true end
local left = redis.call('ZRANGEBYSCORE', P .. 'open:' .. realm, '-inf', '(' .. in_s(0), 'LIMIT', 0, #ARGV - 2)
for _, id in ipairs(left) do
  if not is_open(id) then
    redis.call('ZREM', P .. 'open:' .. realm, id)
  elseif not but[id] then
    return taken(id, owner, lease_s)
  end
end
return false
""",
    "PRUNE": """
local before_s, max_bytes, skipped, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local oldest = redis.call('ZRANGE', P .. 'age', skipped, skipped + most - 1, 'WITHSCORES')
for i = 1, #oldest, 2 do
  local total = tonumber(redis.call('GET', P .. 'total') or 0)
  if is_open(oldest[i]) then
    skipped = skipped + 1
  elseif tonumber(oldest[i + 1]) < before_s or total > max_bytes then
    forget(oldest[i])
  else
    return -1
  end
end
-- how many unfinished ones to skip when it is called again; -1: nothing is left to forget
return #oldest == 2 * most and skipped or -1
""",
}

SCRIPTS = {name: _COMMON + step for name, step in _STEPS.items()}

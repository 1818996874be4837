-- post: appends 1 to 250 messages, all or none.
-- QUEUEGONE where the queue does not exist: whoever wants it made then runs queue/create and posts again.
--
-- KEYS
--   log meta delayed expiry tokens tokens_before
-- ARGV
--   now       integer?  ms     time since 1970; '' = the server's clock
--   client    text      -      id of the poster, up to 256 bytes; may be empty
--   token     text?     -      up to 256 bytes, without control characters; '' = no token
--   digest    text?     -      with a token: the caller's digest of what it posts, up to 128 bytes without blanks
--   max_body  integer?  bytes  what one body may take, 1 to 268435456; '' = 262144
--   ttl...    integer?  ms     1 to 315360000000 (10 years); '' = the queue's default, else 14 days
--   delay...  integer?  ms     less than the ttl; '' = the queue's default, else 0
--   body...   bin       -      msgpack bin with the msgpack value inside; of any other length: BADARG
-- REPLY
--   the ids, in the order given; with a token that was used: those of the first post
-- ERRORS
--   QUEUEGONE BADARG TOOLARGE TOKENREUSED NEWERSCHEMA
-- COST
--   O(messages): one XADD each, and a ZADD for those with a delay or another ttl than is usual here
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   safe with token within 60000 ms
--   the same ids; without a token the messages are there twice
local count = (#ARGV - 5) / 3
if #KEYS ~= 6 or count < 1 or count % 1 > 0 then
  return redis.error_reply('BADARG call: wants 6 keys, 5 arguments, and 3 more for each message')
end
local LOG, META, DELAYED, EXPIRY, TOKENS, TOKENS_BEFORE = unpack(KEYS)
local now, client, token, digest, max_body = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

-- {{{ lib/whole
-- A whole number from low to high, or nil. Digits only: no sign, fraction, exponent, NaN, blank.
local function whole(text, low, high)
  local number = #text <= 16 and string.find(text, '^%d+$') and text + 0
  return number and number >= low and number <= high and number or nil
end
-- }}}
-- {{{ lib/bin_length
-- How many bytes the msgpack bin holds that a text is from `at` on, and where these begin; nil where that is no bin, or
-- an empty or cut one.
local function bin_length(text, at)
  local kind, a, b, c, d = string.byte(text, at, at + 4)
  local head = kind == 196 and 2 or kind == 197 and 3 or kind == 198 and 5
  local length = head == 2 and a or head == 3 and b and a * 256 + b
    or head == 5 and d and ((a * 256 + b) * 256 + c) * 256 + d
  if length and length > 0 and #text == at - 1 + head + length then return length, at + head end
end
-- }}}
local given = now ~= ''
if given or token ~= '' then
  -- {{{ lib/clock
  -- The time is read once: the caller's, or else the server's.
  local micros
  if now == '' then
    local time = redis.call('TIME')
    micros = time[1] * 1000000 + time[2]
    now = math.floor(micros / 1000)
  else
    now = whole(now, 0, 9007199254740)
    if not now then return redis.error_reply('BADARG now: wants 0 to 9007199254740 ms, or nothing') end
    micros = now * 1000
  end
  -- }}}
end
if count > 250 then return redis.error_reply('TOOLARGE messages: ' .. count .. ', at most 250') end
if #client > 256 then return redis.error_reply('BADARG client: wants up to 256 bytes') end
if #token > 256 or string.find(token, '%c') then
  return redis.error_reply('BADARG token: wants up to 256 bytes without control characters')
end
if token ~= '' and not (#digest <= 128 and string.find(digest, '^%S+$')) then
  return redis.error_reply('BADARG digest: wants 1 to 128 bytes without blanks')
end
max_body = max_body == '' and 262144 or whole(max_body, 1, 268435456)
if not max_body then return redis.error_reply('BADARG max_body: wants 1 to 268435456 bytes') end

-- Read.
local meta = redis.pcall('HMGET', META, 'schema', 'base_ttl', 'due', '_default_message_ttl', '_default_message_delay',
  '_max_messages_post_size', 'waiting_until', 'tokens_since')
-- {{{ lib/schema
-- What a later version has stored is left alone.
if meta.err then return redis.error_reply('BADARG meta: ' .. meta.err) end
if meta[1] and meta[1] ~= '1' then
  return redis.error_reply('NEWERSCHEMA ' .. string.gsub(meta[1], '%W', '?') .. ' is stored, this script knows 1')
end
-- }}}
-- `+ 0` converts at half the price of tonumber, which looks at a text twice.
local base_ttl, due = meta[2] and meta[2] + 0, (meta[3] or math.huge) + 0
local default_ttl, default_delay = (meta[4] or 1209600000) + 0, (meta[5] or 0) + 0
local max_post, waiting_until, tokens_since = (meta[6] or 4194304) + 0, meta[7], meta[8]

-- {{{ lib/last_id
-- The last id that a stream has given, deleted or not; 0-0 where there was none.
local function last_id(stream)
  local info = redis.call('EXISTS', stream) == 1 and redis.call('XINFO', 'STREAM', stream) or {}
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
  return '0-0'
end
-- }}}
-- {{{ lib/next_id
-- The id for an XADD: the server's own, or where the caller brings the time one of that ms, after the last one given.
local function next_id(stream)
  if not given then return '*' end
  local ms, seq = string.match(last_id(stream), '^(%d+)%-(%d+)$')
  if now > tonumber(ms) then return now .. '-0' end
  return ms .. '-' .. string.format('%.0f', seq + 1)
end
-- }}}
-- {{{ lib/refused
-- What the server says of a first write: nil where it went well, else the refusal in our words.
local function refused(part, reply)
  if type(reply) ~= 'table' or not reply.err then return nil end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then
    return redis.error_reply('BADARG ' .. part .. ': ' .. reply.err)
  end
  if string.find(reply.err, 'OOM', 1, true) then
    return redis.error_reply('OOM the server is full: drain it, or raise maxmemory')
  end
  return reply
end
-- }}}
-- {{{ lib/wake
-- Tells those who wait that there is something to claim from `at` on (ms; 0 = now). The channel has the log's name.
-- Nobody waits: one value compared. A server before 7.0 has no SPUBLISH; what can't be published fails no call.
local function wake(at)
  if not waiting_until then return end
  local time = now
  if time == '' then
    local server = redis.call('TIME')
    time = server[1] * 1000 + server[2] / 1000
  end
  if time >= (tonumber(waiting_until) or 0) then
    redis.call('HDEL', META, 'waiting_until')
  elseif type(redis.pcall('SPUBLISH', LOG, at)) == 'table' then
    redis.pcall('PUBLISH', LOG, at)
  end
end
-- }}}
-- {{{ lib/append
-- Messages join the log here. One script's ids share their ms and follow each other; nil where they would be past 2^53,
-- which only somebody else can bring about.
local function ids_from(first, many)
  if many == 1 then return {first} end
  local ms, seq = string.match(first, '^(%d+)%-(%d+)$')
  -- `%d` costs a third of `%.0f`, and where a C long has 32 bits it goes less far.
  local ids, form = {first}, tonumber(seq) < 2147483000 and '%s-%d' or '%s-%.0f'
  if form == '%s-%.0f' and seq + many >= 9007199254740992 then return nil end
  for i = 2, many do ids[i] = string.format(form, ms, seq + i - 1) end
  return ids
end

-- A message with the base ttl expires in the log's order and needs no index; others stand in `expiry`. The base changes
-- when every message stands there: in an empty log, for one. Answers the ids, or nil and the refusal.
local function append(envelopes, ttls, delays)
  local as_usual = true
  for i = 1, #ttls do as_usual = as_usual and ttls[i] == base_ttl and delays[i] == 0 end
  local rebased = false
  if not as_usual then
    -- Keys of another type are noticed before the first write.
    local queued, indexed, later = redis.pcall('XLEN', LOG), redis.pcall('ZCARD', EXPIRY), redis.pcall('ZCARD', DELAYED)
    local wrong = refused('log', queued) or refused('expiry', indexed) or refused('delayed', later)
    if wrong then return nil, wrong end
    rebased = indexed == queued
  end
  if rebased then base_ttl = ttls[1] end

  local first = redis.pcall('XADD', LOG, next_id(LOG), 'm', envelopes[1])
  local full = refused('log', first)
  if full then return nil, full end
  local ids = ids_from(first, #envelopes)
  if not ids then
    redis.call('XDEL', LOG, first)
    return nil, redis.error_reply('BADARG log: its last id is past all that it gives')
  end
  for i = 2, #ids do redis.call('XADD', LOG, ids[i], 'm', envelopes[i]) end
  if as_usual then
    wake(0)
    return ids
  end

  local ms, expiry, delayed, free_from = string.match(first, '^%d+'), {}, {}, math.huge
  local soonest = rebased and ms + base_ttl or math.huge
  for i, id in ipairs(ids) do
    if ttls[i] ~= base_ttl then
      expiry[#expiry + 1], expiry[#expiry + 2] = ms + ttls[i], id
      soonest = math.min(soonest, ms + ttls[i])
    end
    if delays[i] > 0 then
      delayed[#delayed + 1], delayed[#delayed + 2] = ms + delays[i], id
      soonest = math.min(soonest, ms + delays[i])
    end
    free_from = math.min(free_from, delays[i] > 0 and ms + delays[i] or 0)
  end
  if #expiry > 0 then redis.call('ZADD', EXPIRY, unpack(expiry)) end
  if #delayed > 0 then redis.call('ZADD', DELAYED, unpack(delayed)) end
  if rebased then redis.call('HSET', META, 'base_ttl', base_ttl, 'since', ms) end
  if soonest < due then redis.call('HSET', META, 'due', soonest) end
  wake(free_from)
  return ids
end
-- }}}
if token ~= '' then
  -- {{{ lib/remembered
  -- What was kept under this token, if it was used. Tokens stand in two hashes that change places: the younger is
  -- `tokens`, and the older goes when the younger is 60 s old. To look is also to notice a key of another type.
  local kept, part = redis.pcall('HGET', TOKENS, token), 'tokens'
  if not kept then kept, part = redis.pcall('HGET', TOKENS_BEFORE, token), 'tokens_before' end
  if kept and kept.err then return redis.error_reply('BADARG ' .. part .. ': ' .. kept.err) end
  -- }}}
  if kept then
    -- No more digits than a post has, whoever wrote them: what is read here is counted up to.
    local before, first, many = string.match(kept, '^post (%S+) (%d+%-%d+) (%d%d?%d?)$')
    if before ~= digest then return redis.error_reply('TOKENREUSED ' .. token .. ' came with other content') end
    return ids_from(first, tonumber(many))
  end
end

-- Decide.
local envelopes, ttls, delays = {}, {}, {}
local prefix, prefix_ttl
local size = 0
for i = 1, count do
  local ttl, delay, body = ARGV[3 * i + 3], ARGV[3 * i + 4], ARGV[3 * i + 5]
  ttl = ttl == '' and default_ttl or whole(ttl, 1, 315360000000)
  if not ttl then return redis.error_reply('BADARG ttl: wants 1 to 315360000000 ms') end
  delay = delay == '' and default_delay or whole(delay, 0, 315360000000)
  if not delay or delay >= ttl then return redis.error_reply('BADARG delay: wants less than the ttl, ' .. ttl) end
  local length = bin_length(body, 1)
  if not length then return redis.error_reply('BADARG body: wants a whole msgpack bin that is not empty') end
  if length > max_body then return redis.error_reply('TOOLARGE body: ' .. length .. ' bytes, at most ' .. max_body) end
  size = size + length
  if delay > 0 then
    envelopes[i] = '\148' .. cmsgpack.pack(ttl) .. cmsgpack.pack(client) .. cmsgpack.pack({delay = delay}) .. body
  else
    if ttl ~= prefix_ttl then
      prefix, prefix_ttl = '\147' .. cmsgpack.pack(ttl) .. cmsgpack.pack(client), ttl
    end
    envelopes[i] = prefix .. body
  end
  ttls[i], delays[i] = ttl, delay
end
if size > max_post then return redis.error_reply('TOOLARGE post: ' .. size .. ' bytes, at most ' .. max_post) end
-- Last of all, so that nobody makes a queue for a post that would be refused there.
if not meta[1] then return redis.error_reply('QUEUEGONE create it, then post again') end

-- Write.
local ids, wrong = append(envelopes, ttls, delays)
if not ids then return wrong end
if token ~= '' then
  local value = 'post ' .. digest .. ' ' .. ids[1] .. ' ' .. #ids
  -- {{{ lib/remember
  -- A token is good for 60 s at least. Both hashes go by themselves where no further token comes, and with their queue.
  local rotate = not tonumber(tokens_since) or now - tokens_since >= 60000
  if rotate then
    redis.call('UNLINK', TOKENS_BEFORE)
    if redis.call('EXISTS', TOKENS) == 1 then redis.call('RENAME', TOKENS, TOKENS_BEFORE) end
    redis.call('HSET', META, 'tokens_since', now)
  end
  redis.call('HSET', TOKENS, token, value)
  if rotate then redis.call('PEXPIRE', TOKENS, 180000) end
  -- }}}
end
return ids

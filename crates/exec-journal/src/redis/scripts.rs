//! The scripts that read and change an account's keys. Each is atomic, refuses a writer that was taken over from, and may run twice:
//! a writer that does not know whether one has run sends the same again.
//!
//! Answers are lists of words, the first of which says what happened: `OK`, `DUP` (it was done before), `FENCED epoch` (somebody has
//! taken over), `FORGOT epoch` (the server has lost our epoch), `GAP` (it is not at the record that the writer believes).

/// A script, by name, for logs.
pub(super) struct Script {
    pub name: &'static str,
    pub text: &'static str,
}

/// Keys: lease, h, meta, j. Reads everything a start has to know, at one moment.
pub(super) const LOOK: Script = Script {
    name: "look",
    text: r"
local l = redis.call('HMGET', KEYS[1], 'epoch', 'owner', 'expires_ms')
local h = redis.call('HMGET', KEYS[2], 'seq', 'chain', 'snap', 'older')
local m = redis.call('HMGET', KEYS[3], 'format', 'account', 'env')
local t = redis.call('TIME')
local now = string.format('%d', t[1] * 1000 + math.floor(t[2] / 1000))
local first = redis.call('XRANGE', KEYS[4], '-', '+', 'COUNT', 1)
local id = ''
if first[1] then id = first[1][1] end
local out = { l[1], l[2], l[3], now, h[1], h[2], h[3], h[4], m[1], m[2], m[3], id }
for i = 1, 12 do if not out[i] then out[i] = '' end end
return out",
};

/// Keys: events. Arguments: the id of the last event as the writer believes (empty: it asks), how many events are kept at least, then id,
/// kind, digest of the record and text for each. Not fenced: only what the copy has is told, under ids that no two events share, and the
/// stream takes none twice.
pub(super) const TELL: Script = Script {
    name: "tell",
    text: r"
local last = '0-0'
if redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = info[i + 1] end
  end
end
if ARGV[1] ~= last then return { 'AT', last } end
for i = 3, #ARGV, 4 do
  redis.call('XADD', KEYS[1], ARGV[i], 'prev', last, 'type', ARGV[i + 1], 'sum', ARGV[i + 2], 'json', ARGV[i + 3])
  last = ARGV[i]
end
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[2])
return { 'OK' }",
};

/// Keys: lease, h, meta, j. Arguments: epoch, writer, format, account, environment. From here on nobody with a lower epoch writes.
pub(super) const CLAIM: Script = Script {
    name: "claim",
    text: r"
local m = redis.call('HMGET', KEYS[3], 'format', 'account', 'env')
if not m[1] then
  if redis.call('EXISTS', KEYS[2], KEYS[4]) > 0 then return { 'FOREIGN' } end
elseif m[1] ~= ARGV[3] or m[2] ~= ARGV[4] or m[3] ~= ARGV[5] then
  return { 'FOREIGN' }
end
local l = redis.call('HMGET', KEYS[1], 'epoch', 'writer')
local held, mine = tonumber(l[1] or '0'), tonumber(ARGV[1])
if held > mine or (held == mine and l[2] and l[2] ~= ARGV[2]) then return { 'FENCED', l[1] } end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'writer', ARGV[2])
if not m[1] then redis.call('HSET', KEYS[3], 'format', ARGV[3], 'account', ARGV[4], 'env', ARGV[5]) end
return { 'OK' }",
};

/// What every change begins with. Keys: lease, h, j. Arguments: epoch, writer.
macro_rules! fenced {
    ($then:literal) => {
        concat!(
            r"
local l = redis.call('HMGET', KEYS[1], 'epoch', 'writer')
local held, mine = tonumber(l[1] or '0'), tonumber(ARGV[1])
if held > mine or (held == mine and l[2] and l[2] ~= ARGV[2]) then return { 'FENCED', l[1] } end
if held < mine or not l[2] then return { 'FORGOT', l[1] or '0' } end
local h = redis.call('HMGET', KEYS[2], 'seq', 'chain', 'snap', 'older')
",
            $then
        )
    };
}

/// Further arguments: number of the first record, chain before it, then record and chain for each. None at all asks whether
/// the writer is in step, and whether the server takes writes.
pub(super) const APPEND: Script = Script {
    name: "append",
    text: fenced!(
        r"
if not h[1] then return { 'GAP' } end
local last, first = tonumber(h[1]), tonumber(ARGV[3])
local count = (#ARGV - 4) / 2
local known = count > 0 and last == first + count - 1 and h[2] == ARGV[#ARGV]
if not known and (last ~= first - 1 or h[2] ~= ARGV[4]) then return { 'GAP' } end
if known or count == 0 then
  -- A write, so that what waits for disks on this connection waits for all that was written before.
  redis.call('HSET', KEYS[2], 'seq', h[1])
  return { 'DUP' }
end
for i = 0, count - 1 do
  redis.call('XADD', KEYS[3], string.format('%d-1', first + i), 'e', ARGV[1], 'r', ARGV[5 + 2 * i], 'c', ARGV[6 + 2 * i])
end
redis.call('HSET', KEYS[2], 'seq', string.format('%d', first + count - 1), 'chain', ARGV[#ARGV])
return { 'OK' }"
    ),
};

/// Further arguments: number and chain as the writer has seen them (empty for none), number and chain to begin with, what names of
/// snapshots begin with, the snapshot (empty for none). Throws away what is there, if it still is what was seen.
pub(super) const SEED: Script = Script {
    name: "seed",
    text: fenced!(
        r"
if h[1] == ARGV[5] and h[2] == ARGV[6] then return { 'DUP' } end
if (h[1] or '') ~= ARGV[3] or (h[2] or '') ~= ARGV[4] then return { 'GAP' } end
if h[3] then redis.call('UNLINK', ARGV[7] .. h[3]) end
if h[4] then redis.call('UNLINK', ARGV[7] .. h[4]) end
redis.call('UNLINK', KEYS[3], KEYS[2])
redis.call('HSET', KEYS[2], 'seq', ARGV[5], 'chain', ARGV[6])
if ARGV[8] ~= '' then
  redis.call('SET', ARGV[7] .. ARGV[5], ARGV[8])
  redis.call('HSET', KEYS[2], 'snap', ARGV[5])
end
return { 'OK' }"
    ),
};

/// Further arguments: number of the snapshot's last record, what names of snapshots begin with, the snapshot. Two are kept, and the
/// records behind the older one.
pub(super) const SNAPSHOT: Script = Script {
    name: "snapshot",
    text: fenced!(
        r"
if not h[1] or tonumber(h[1]) < tonumber(ARGV[3]) then return { 'GAP' } end
if h[3] and tonumber(h[3]) >= tonumber(ARGV[3]) then return { 'DUP' } end
redis.call('SET', ARGV[4] .. ARGV[3], ARGV[5])
if h[4] then redis.call('UNLINK', ARGV[4] .. h[4]) end
redis.call('HSET', KEYS[2], 'snap', ARGV[3])
if h[3] then
  redis.call('HSET', KEYS[2], 'older', h[3])
  redis.call('XTRIM', KEYS[3], 'MINID', h[3] .. '-0')
end
return { 'OK' }"
    ),
};

/// What every script of the lease begins with. Key: lease. Arguments: who asks, an epoch, for how long.
macro_rules! leased {
    ($then:literal) => {
        concat!(
            r"
local l = redis.call('HMGET', KEYS[1], 'owner', 'epoch', 'expires_ms', 'server')
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local owner, epoch, expires = l[1], tonumber(l[2] or '0'), tonumber(l[3] or '0')
local left = string.format('%d', math.max(expires - now, 0))
",
            $then
        )
    };
}

/// `server` is the run of the server that changed the lease last: only the same run vouches for when it ended.
pub(super) const ACQUIRE: Script = Script {
    name: "acquire",
    text: leased!(
        r"
if owner and owner ~= ARGV[1] and expires > now then return { 'HELD', owner, l[2], left } end
local info = redis.call('INFO', 'server') .. redis.call('INFO', 'replication')
local server = (string.match(info, 'run_id:(%x+)') or '') .. (string.match(info, 'master_replid:(%x+)') or '')
local known = tonumber(ARGV[2])
local granted = math.max(epoch, known) + 1
if owner == ARGV[1] and epoch > known then granted = epoch end
granted = string.format('%d', granted)
local out = { 'GRANTED', granted, 'UNKNOWN' }
if owner and owner ~= ARGV[1] and server ~= '' and l[4] == server then
  out = { 'GRANTED', granted, 'ENDED', string.format('%d', now - expires) }
end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'epoch', granted, 'expires_ms', string.format('%d', now + ARGV[3]), 'server', server)
redis.call('HDEL', KEYS[1], 'writer')
return out"
    ),
};

/// See [`ACQUIRE`].
pub(super) const RENEW: Script = Script {
    name: "renew",
    text: leased!(
        r"
local mine = tonumber(ARGV[2])
if not owner or owner == ARGV[1] and epoch < mine then return { 'FORGOTTEN' } end
if owner ~= ARGV[1] or epoch > mine then return { 'TAKEN', owner, l[2], left } end
local info = redis.call('INFO', 'server') .. redis.call('INFO', 'replication')
local server = (string.match(info, 'run_id:(%x+)') or '') .. (string.match(info, 'master_replid:(%x+)') or '')
redis.call('HSET', KEYS[1], 'expires_ms', string.format('%d', now + ARGV[3]), 'server', server)
return { 'OK' }"
    ),
};

/// See [`ACQUIRE`].
pub(super) const RELEASE: Script = Script {
    name: "release",
    text: leased!(
        r"
local ends = now + ARGV[3]
if owner == ARGV[1] and epoch == tonumber(ARGV[2]) and ends < expires then
  redis.call('HSET', KEYS[1], 'expires_ms', string.format('%d', ends))
end
return { 'OK' }"
    ),
};

/// See [`ACQUIRE`].
pub(super) const LOOK_AT_LEASE: Script = Script {
    name: "look at lease",
    text: leased!(
        r"
if not owner then return { 'NONE' } end
return { 'HOLDER', owner, l[2], left }"
    ),
};

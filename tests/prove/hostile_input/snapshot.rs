//! All that a server holds: kept, put back, and told apart from anything else.
//!
//! Guards the sentence "nothing was changed": what is compared is the DUMP of every key, which has the last id of an
//! empty stream too, and whether the key is to expire.

use redis::{Connection, Value};

const KEEP: &str = "
local kept = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  kept[#kept + 1] = {key, math.max(redis.call('PTTL', key), 0), redis.call('DUMP', key)}
end
return kept";

const DIGEST: &str = "
local keys, parts = redis.call('KEYS', '*'), {}
table.sort(keys)
for i, key in ipairs(keys) do
  local expires = redis.call('PTTL', key) >= 0 and '+' or '-'
  parts[i] = #key .. ' ' .. key .. expires .. redis.call('DUMP', key)
end
return redis.sha1hex(table.concat(parts, ' '))";

pub struct Snapshot {
    keys: Vec<(Vec<u8>, u64, Vec<u8>)>,
}

impl Snapshot {
    pub fn of(connection: &mut Connection) -> Self {
        let keys = redis::cmd("EVAL").arg(KEEP).arg(0).query(connection);
        Snapshot {
            keys: keys.expect("what the server holds"),
        }
    }

    /// Puts back all of it, and nothing else.
    pub fn restore(&self, connection: &mut Connection) {
        let mut pipeline = redis::pipe();
        pipeline.cmd("FLUSHALL").arg("SYNC").ignore();
        for (key, ttl, dump) in &self.keys {
            pipeline.cmd("RESTORE").arg(key).arg(ttl).arg(dump).ignore();
        }
        let restored: redis::RedisResult<Value> = pipeline.query(connection);
        restored.expect("what the server held");
    }
}

pub fn digest(connection: &mut Connection) -> String {
    let digest = redis::cmd("EVAL").arg(DIGEST).arg(0).query(connection);
    digest.expect("a digest of what the server holds")
}

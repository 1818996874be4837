//! Raw Redis Streams with a consumer group: the least that a queue on Redis can cost.
//!
//! Guards that the limit is written as well as it can be: one command a message posted, one a read, two for all that a
//! read brought.

use redis::{Cmd, Pipeline, RedisResult, Value, cmd, pipe};

use crate::meter::Meter;

const GROUP: &str = "group";

/// One stream with its group.
pub struct Streams {
    key: String,
}

impl Streams {
    /// Makes both.
    pub fn create(meter: &mut Meter, key: &str) -> RedisResult<Streams> {
        let mut commands = pipe();
        commands.cmd("XGROUP").arg("CREATE").arg(key);
        commands.arg(&[GROUP, "$", "MKSTREAM"]);
        meter.send(&commands)?;
        Ok(Streams { key: key.into() })
    }

    /// XADD.
    pub fn post(&self, body: &[u8]) -> Cmd {
        self.post_as("*", body)
    }

    /// XADD under this id.
    pub fn post_as(&self, id: &str, body: &[u8]) -> Cmd {
        let mut cmd = cmd("XADD");
        cmd.arg(&self.key).arg(id).arg("m").arg(body);
        cmd
    }

    /// XREADGROUP.
    pub fn read(&self, limit: usize) -> Cmd {
        let mut cmd = cmd("XREADGROUP");
        cmd.arg(&["GROUP", GROUP, "consumer", "COUNT"]).arg(limit);
        cmd.arg("STREAMS").arg(&self.key).arg(">");
        cmd
    }

    /// XACK and XDEL.
    pub fn delete(&self, all: &mut Pipeline, ids: &[String]) {
        all.cmd("XACK").arg(&self.key).arg(GROUP).arg(ids);
        all.cmd("XDEL").arg(&self.key).arg(ids);
    }
}

/// The ids in a reply of XREADGROUP: streams, of each its name and entries, of each its id and fields.
pub fn ids_read(reply: &Value) -> RedisResult<Vec<String>> {
    fn nth(value: &Value, i: usize) -> &[Value] {
        let list = value.as_sequence().unwrap_or_default();
        list.get(i).and_then(Value::as_sequence).unwrap_or_default()
    }
    let stream = nth(reply, 0);
    let entries = stream
        .get(1)
        .and_then(Value::as_sequence)
        .unwrap_or_default();
    let ids = entries
        .iter()
        .filter_map(|entry| entry.as_sequence()?.first());
    ids.map(|id| Ok(redis::from_redis_value(id.clone())?))
        .collect()
}

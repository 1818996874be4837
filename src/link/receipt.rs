//! Receipts: the connections that writes are made and confirmed on, and asking for the confirmation.
//!
//! Guards that a receipt is one for the write. WAIT waits for what its own connection wrote last, so
//! both go on one connection, which nobody else uses meanwhile and which never connects anew; and a
//! mark is written before, since a repeat that only answers what was done before writes nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Pipeline, RedisResult, Value};
use tokio::time::{Instant, timeout_at};

use super::source::{Health, Line};
use crate::durability::{Demand, Durability};
use crate::error::{Cause, Error, ServerReply};

/// A write that leaves nothing behind, so that what the connection wrote last is all that there is.
///
/// What is deleted first makes the script's first write one that a full server lets pass.
const MARK: &str = "redis.call('DEL', KEYS[1]) redis.call('SET', KEYS[1], '') \
                    return redis.call('DEL', KEYS[1])";

/// The last piece of the key that is marked; it is there only while the script runs.
const PART: &[u8] = b"receipt";

/// A connection, and what its users know about it.
pub(super) struct Dedicated {
    connection: MultiplexedConnection,
    health: Arc<Health>,
    /// This was tried on it, and it can do it.
    can: Option<Demand>,
    /// Where it goes when all was answered.
    home: Arc<Idle>,
    is_parked: bool,
}

/// Connections to one server that nobody uses at the moment.
#[derive(Default)]
pub(super) struct Idle(Mutex<Vec<Parked>>);

type Parked = (MultiplexedConnection, Arc<Health>, Option<Demand>);

impl Idle {
    /// One that was not broken when last heard of.
    pub(super) fn take(self: &Arc<Self>) -> Option<Dedicated> {
        loop {
            let (connection, health, can) = self.lock().pop()?;
            if !health.is_broken() {
                let mut dedicated = Dedicated::new(connection, health, self);
                dedicated.can = can;
                return Some(dedicated);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Parked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dedicated {
    pub(super) fn new(
        connection: MultiplexedConnection,
        health: Arc<Health>,
        home: &Arc<Idle>,
    ) -> Self {
        Dedicated {
            connection,
            health,
            can: None,
            home: Arc::clone(home),
            is_parked: false,
        }
    }

    pub(super) fn line(self) -> Line {
        Line {
            wire: Box::new(self.connection.clone()),
            health: Arc::clone(&self.health),
            is_asked: false,
            dedicated: Some(self),
        }
    }

    /// All was answered: the next one may have it.
    pub(super) fn park(mut self) {
        if !self.health.is_broken() {
            let parked = (self.connection.clone(), Arc::clone(&self.health), self.can);
            self.home.lock().push(parked);
            self.is_parked = true;
        }
    }
}

/// A connection that is left in the middle closes, and what may be no better with it.
impl Drop for Dedicated {
    fn drop(&mut self) {
        if !self.is_parked {
            self.home.lock().clear();
        }
    }
}

/// Why there is no receipt.
pub(super) enum NoReceipt {
    /// Nothing was written yet, and nothing will be: what was asked for can't be had here.
    Refused(Error),
    /// The server has said so.
    Short(Cause),
}

/// Before the first write on a connection: whether the server knows how to tell of an fsync.
pub(super) async fn can_be_had(
    line: &mut Line,
    durability: &Durability,
) -> RedisResult<Result<(), NoReceipt>> {
    let Some(fsyncs) = durability.fsyncs() else {
        return Ok(Ok(()));
    };
    if line
        .dedicated
        .as_ref()
        .is_some_and(|own| own.can == Some(fsyncs))
    {
        return Ok(Ok(()));
    }
    // Nothing was written on it, so the primary's own disk is no matter, and replicas answer for nothing.
    let ask = fsyncs.command(std::time::Duration::from_millis(1));
    match line.wire.one(&ask).await {
        Ok(_) => {
            if let Some(own) = &mut line.dedicated {
                own.can = Some(fsyncs);
            }
            Ok(Ok(()))
        }
        Err(error) => {
            let reply = ServerReply::of(&error).ok_or(error)?;
            Ok(Err(refused(&reply)))
        }
    }
}

fn refused(reply: &ServerReply) -> NoReceipt {
    let is_unknown = reply
        .detail
        .to_ascii_lowercase()
        .contains("unknown command");
    match (reply.word.as_str(), is_unknown) {
        ("ERR", true) => NoReceipt::Refused(Error::invalid(
            "durability",
            "the server has no WAITAOF, which tells of an fsync: Redis 7.2 and later and Valkey have it",
        )),
        _ => NoReceipt::Short(Cause::server(&reply.word, &reply.detail)),
    }
}

/// Waits until all that this server holds by now is confirmed, up to the time that the caller has.
pub(super) async fn ask(
    line: &mut Line,
    key: &[u8],
    durability: &Durability,
    deadline: Instant,
) -> RedisResult<Result<(), Cause>> {
    let until = deadline.min(Instant::now() + durability.time());
    let mut mark = Some(mark(key));
    for demand in durability.demands() {
        let mut pipeline = Pipeline::with_capacity(3);
        pipeline.ignore_errors();
        if let Some(mark) = mark.take() {
            if line.is_asked {
                pipeline.cmd("ASKING").ignore();
            }
            pipeline.add_command(mark);
        }
        let left = until.saturating_duration_since(Instant::now());
        pipeline.add_command(demand.command(left));
        // The server keeps the time; this is for one that does not answer at all.
        let Ok(answers) = timeout_at(deadline, line.wire.many(&pipeline)).await else {
            return Ok(Err(Cause::text(format!("no word of {demand} in time"))));
        };
        let answers = answers?;
        line.health.answered();
        if let Err(short) = all_met(demand, &answers) {
            return Ok(Err(short));
        }
    }
    // What was waiting for its turn while others took over is no receipt for a write of long ago.
    match Instant::now() <= deadline {
        true => Ok(Ok(())),
        false => Ok(Err(Cause::text("confirmed after the deadline"))),
    }
}

fn all_met(demand: Demand, answers: &[RedisResult<Value>]) -> Result<(), Cause> {
    let failed = answers.iter().find_map(|answer| answer.as_ref().err());
    if let Some(error) = failed {
        return Err(Cause::redis(error));
    }
    match answers.last() {
        Some(Ok(answer)) => demand.is_met(answer).map_err(Cause::text),
        _ => Err(Cause::text("no answer")),
    }
}

fn mark(key: &[u8]) -> Cmd {
    let mut mark = redis::cmd("EVAL");
    mark.arg(MARK).arg(1).arg(beside(key));
    mark
}

/// A key in the slot of this one, and under the same prefix.
fn beside(key: &[u8]) -> Vec<u8> {
    if let Some(end) = key.iter().position(|byte| *byte == b'}') {
        return [&key[..=end], b":", PART].concat();
    }
    let stem = key
        .iter()
        .rposition(|byte| *byte == b':')
        .map_or(0, |at| at + 1);
    [&key[..stem], b"{", key, b"}:", PART].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{ControlKeys, Part, Prefix, ProjectName, QueueKeys, QueuePath};
    use crate::link::slot_of;

    #[test]
    fn the_mark_is_the_one_of_the_contract() {
        let contract = include_str!("../../docs/contract.md");
        assert!(contract.contains(&format!("\n       {MARK}\n")), "{MARK}");
    }

    #[test]
    fn the_key_that_is_marked_is_in_the_slot_of_the_call_and_is_no_part_of_anything() {
        let prefix = Prefix::new("mq:eu").unwrap();
        let path = QueuePath::new("sh}op", "ord{ers").unwrap();
        let keys = [
            QueueKeys::new(&prefix, path).key(Part::Log),
            ControlKeys::new(&prefix).key(Part::Pools),
            prefix.queues_of(&ProjectName::new("shop").unwrap()),
            prefix.projects(),
        ];
        for key in keys {
            let marked = String::from_utf8(beside(key.as_bytes())).unwrap();
            assert_eq!(
                slot_of(marked.as_bytes()),
                slot_of(key.as_bytes()),
                "{marked}"
            );
            assert!(
                marked.starts_with("mq:eu:{") && marked.ends_with("}:receipt"),
                "{marked}"
            );
            assert_eq!(QueueKeys::parse(&prefix, &marked), None, "{marked}");
        }
    }
}

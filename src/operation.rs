//! One operation of the library under way: its clock, its deadline, and the calls it makes.
//!
//! Guards the deadline: however many calls an operation takes, they share the time of one; and the
//! time an operation goes by, where the caller brings it, is one time too.

mod account;

use std::time::Duration;

use redis::Value;
use tokio::time::Instant;

use crate::error::{Error, Outcome, Result};
use crate::keys::{Owner, Prefix};
use crate::link::{Call, Link, Reply, Retry};
use crate::script::Script;
use crate::store::Store;
use crate::time::Timestamp;
pub(crate) use account::Account;

pub(crate) struct Operation {
    link: Link,
    pub(crate) prefix: Prefix,
    now: Option<Timestamp>,
    /// Half of its time: so long it keeps to the order, whatever has to be swept first.
    patient_until: Instant,
    until: Instant,
}

impl Operation {
    pub(crate) fn begin(store: &Store) -> Self {
        // A deadline beyond what the clock can hold is none.
        let far = Duration::from_secs(365 * 24 * 3600);
        let time = store.deadline().min(far);
        let begun = Instant::now();
        Operation {
            link: store.link().clone(),
            prefix: store.prefix().clone(),
            now: store.now(),
            patient_until: begun + time / 2,
            until: begun + time,
        }
    }

    /// The same operation, where it goes on in another store, within the same time.
    pub(crate) fn at(&self, store: &Store) -> Self {
        Operation {
            link: store.link().clone(),
            prefix: store.prefix().clone(),
            now: self.now,
            patient_until: self.patient_until,
            until: self.until,
        }
    }

    /// The same operation, with another end.
    pub(crate) fn ending(self, until: Instant) -> Self {
        Operation { until, ..self }
    }

    /// When its time is over.
    pub(crate) fn until(&self) -> Instant {
        self.until
    }

    /// Whether there is time for another call.
    pub(crate) fn has_time(&self) -> bool {
        Instant::now() < self.until
    }

    /// Whether it is time to take what is at hand, rather than what would be first.
    pub(crate) fn is_out_of_patience(&self) -> bool {
        Instant::now() >= self.patient_until
    }

    /// A call of a script without a clock.
    pub(crate) fn script(&self, script: &'static Script, keys: &impl Owner) -> Call {
        Call::new(script, keys)
    }

    /// A call of a script whose first argument is the time.
    pub(crate) fn timed(&self, script: &'static Script, keys: &impl Owner) -> Call {
        Call::new(script, keys).optional(self.now.map(Timestamp::as_millis))
    }

    /// The same, with room for so many arguments and their bytes.
    pub(crate) fn timed_with_room(
        &self,
        script: &'static Script,
        keys: &impl Owner,
        room: (usize, usize),
    ) -> Call {
        let now = self.now.map(Timestamp::as_millis);
        Call::with_room(script, keys, room).optional(now)
    }

    /// One call, repeated where its answer was lost and its script is safe to repeat.
    pub(crate) async fn call(&self, call: Call) -> Result<Value> {
        let retry = call.retry();
        self.line().call(call, retry).await.and_then(value)
    }

    /// Whether a call may be made again by itself after its answer was lost: not where its caller
    /// wants to have it confirmed, who decides on that too.
    pub(crate) fn may_repeat_lost(&self) -> bool {
        !self.link.is_durable()
    }

    /// A call whose caller wants to hear of a lost answer, although a repeat would do no harm.
    pub(crate) async fn call_once(&self, call: Call) -> Result<Value> {
        let line = self.line();
        line.call(call, Retry::OnlyIfNotDone).await.and_then(value)
    }

    /// Several calls in one round trip, in their order where they are on one queue; an answer for
    /// each. They are repeated together, so as the strictest of them allows.
    pub(crate) async fn calls(&self, calls: &[Call]) -> Vec<Result<Reply>> {
        self.line().calls(calls, strictest(calls)).await
    }

    /// The same calls on every node that holds something; the answers of each.
    pub(crate) async fn everywhere(&self, calls: &[Call]) -> Result<Vec<Vec<Result<Reply>>>> {
        self.line().everywhere(calls, strictest(calls)).await
    }

    /// The line to the server, for the time that is left.
    fn line(&self) -> Link {
        let left = self.until.saturating_duration_since(Instant::now());
        self.link.with_deadline(left)
    }
}

fn strictest(calls: &[Call]) -> Retry {
    let each = calls.iter().map(Call::retry);
    each.min().unwrap_or(Retry::Always)
}

/// What a call answered that has no housekeeping to ask for.
pub(crate) fn value(reply: Reply) -> Result<Value> {
    match reply {
        Reply::Value(value) => Ok(value),
        Reply::More { .. } => Err(Error::corrupt("an unexpected answer: MORE")),
    }
}

pub(crate) fn no_reply() -> Error {
    Error::corrupt("fewer answers than calls")
}

/// An error of something that had to come first: what it was for has not been done.
pub(crate) fn not_begun(error: Error) -> Error {
    match error {
        Error::Unconfirmed { queue, source } => Error::Transport {
            queue,
            outcome: Outcome::NotDone,
            source,
        },
        error => error.with_outcome(Outcome::NotDone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{QueueKeys, QueuePath};
    use crate::script::{POST, QUEUE_CREATE, QUEUE_SET, SWEEP};

    #[test]
    fn calls_that_go_together_are_repeated_as_the_strictest_of_them_allows() {
        let keys = QueueKeys::new(&Prefix::default(), QueuePath::new("p", "q").unwrap());
        let sweep = || Call::new(&SWEEP, &keys).arg(&["", "", ""]);
        let create = |metadata: &str| Call::new(&QUEUE_CREATE, &keys).arg("").arg(metadata);
        let post = |token: &str| Call::new(&POST, &keys).arg(&["1", "client", token, "d"]);
        let minute = Retry::Within(Duration::from_secs(60));
        for (calls, retry) in [
            (vec![], Retry::Always),
            (
                vec![Call::keyless("PING"), sweep(), create("")],
                Retry::Always,
            ),
            (vec![create(""), post("t")], minute),
            (vec![create(""), post("")], Retry::OnlyIfNotDone),
            (vec![sweep(), create("m")], Retry::OnlyIfNotDone),
            (
                vec![Call::new(&QUEUE_SET, &keys), post("t")],
                Retry::OnlyIfNotDone,
            ),
        ] {
            assert_eq!(strictest(&calls), retry, "{calls:?}");
        }
    }
}

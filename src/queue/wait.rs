//! Claims and pops that wait until there is something.
//!
//! Guards the order that makes a waiter miss nothing: listen, look, then wait to be told; and look again
//! whenever told. Whatever comes after a look is published, or was foretold in the answer to it.

use std::future::Future;
use std::time::Duration;

use redis::Value;
use tokio::time::{Instant, sleep_until};

use super::Queue;
use crate::error::{Cause, Error, Outcome, Result};
use crate::keys::Part;
use crate::reply::Fields;
use crate::wake::Seat;

/// What a look at the queue has brought.
pub(crate) enum Look<T> {
    Found(T),
    /// To who waits: what the queue's clock says, and when something comes by itself; 0 for never.
    Nothing {
        now: u64,
        at: u64,
    },
}

impl<T> Look<T> {
    pub(crate) fn found(self) -> Option<T> {
        match self {
            Look::Found(found) => Some(found),
            Look::Nothing { .. } => None,
        }
    }

    /// Reads the answer of an empty-handed claim or pop; any other is left to `read`.
    pub(crate) fn read(reply: Value, read: impl FnOnce(Fields) -> Result<T>) -> Result<Self> {
        let mut fields = Fields::of(reply)?;
        match fields.left() {
            0 => Ok(Look::Nothing { now: 0, at: 0 }),
            2 => Ok(Look::Nothing {
                now: fields.number()?,
                at: fields.number()?,
            }),
            _ => read(fields).map(Look::Found),
        }
    }
}

/// Whether a claim or pop that answered this took nothing.
pub(crate) fn is_empty_handed(answer: &Value) -> bool {
    matches!(answer, Value::Array(fields) if matches!(fields.len(), 0 | 2))
}

impl Queue {
    /// Looks until something is found or the time is over. `look` is told how long the caller is going
    /// to wait if there is nothing; not at all, the first time.
    pub(crate) async fn waited<T, F, Fut>(&self, timeout: Duration, look: F) -> Result<Option<T>>
    where
        F: Fn(Option<Duration>) -> Fut,
        Fut: Future<Output = Result<Look<T>>>,
    {
        // A time beyond what the clock can hold is none.
        let far = Duration::from_secs(365 * 24 * 3600);
        let until = Instant::now() + timeout.min(far);
        let channel = self.keys().key(Part::Log);
        let seat = self.store().wakes().enter(&channel, until);
        let seat = seat.map_err(|error| error.within(self.path(), None))?;
        if !seat.is_heard() {
            // Where there is something already, nobody has to listen.
            if let Look::Found(found) = look(None).await? {
                return Ok(Some(found));
            }
            if !self.listened(&seat, until).await? {
                return Ok(None);
            }
        }
        loop {
            let turn = seat.look();
            let longest = seat.longest().max(Duration::from_millis(1));
            match look(Some(longest)).await? {
                Look::Found(found) => return Ok(Some(found)),
                Look::Nothing { now, at } => turn.nothing(now, at),
            }
            tokio::select! {
                biased;
                () = seat.called() => {}
                () = sleep_until(until) => {
                    // While the line is broken nobody tells: who leaves looks once more.
                    let last = if seat.is_heard() { None } else { look(None).await?.found() };
                    return Ok(last);
                }
            }
        }
    }

    /// Waits until somebody listens; false where the waiter's time is over first. That nobody can for as
    /// long as an operation may take is an error: a waiter would wait in vain.
    async fn listened(&self, seat: &Seat, until: Instant) -> Result<bool> {
        let patient_until = (Instant::now() + self.store().deadline()).min(until);
        let source = match seat.heard(patient_until).await {
            Ok(true) => return Ok(true),
            Ok(false) if patient_until == until => return Ok(false),
            Ok(false) => Cause::text("no line to be told on in time"),
            Err(cause) => cause,
        };
        Err(Error::Transport {
            queue: Some(self.path().clone()),
            outcome: Outcome::NotDone,
            source,
        })
    }
}

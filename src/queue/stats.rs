//! How much is in a queue.
//!
//! Guards that the counts are exact: what is over is swept before anything is counted.

use std::time::Duration;

use super::Queue;
use crate::error::Result;
use crate::message::MessageId;
use crate::operation::Operation;
use crate::reply::Fields;
use crate::script::QUEUE_STATS;
use crate::time::Timestamp;

/// What is in a queue, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Claimable messages.
    pub free: u64,
    /// Messages under a live claim.
    pub claimed: u64,
    /// Messages that are not to be seen yet.
    pub delayed: u64,
    /// All of these.
    pub total: u64,
    /// Dead letters that are in transit or kept beside the queue.
    pub dead: u64,
    /// The message that was posted first; `None` where there is none.
    pub oldest: Option<End>,
    /// The message that was posted last.
    pub newest: Option<End>,
}

/// The message at one end of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct End {
    /// Its id.
    pub id: MessageId,
    /// How long ago it was posted.
    pub age: Duration,
}

impl Queue {
    /// How many messages are free, claimed, delayed and dead. Exact: nothing that has expired is
    /// counted, and what a lapsed claim held is free.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let stats = queue.stats().await?;
    /// println!("{} of {} free", stats.free, stats.total);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`QueueDoesNotExist`](crate::Error::QueueDoesNotExist).
    pub async fn stats(&self) -> Result<Stats> {
        let of = Operation::begin(self.store());
        let call = |_| of.timed(&QUEUE_STATS, self.keys());
        let reply = self.swept(&of, None, call).await?;
        let stats = Fields::of(reply).and_then(Stats::read);
        stats.map_err(|error| error.within(self.path(), None))
    }
}

impl Stats {
    pub(crate) fn read(mut fields: Fields) -> Result<Self> {
        let now = Timestamp::from(fields.number()?);
        Ok(Stats {
            free: fields.number()?,
            claimed: fields.number()?,
            delayed: fields.number()?,
            total: fields.number()?,
            dead: fields.number()?,
            oldest: End::read(&mut fields, now)?,
            newest: End::read(&mut fields, now)?,
        })
    }
}

impl End {
    fn read(fields: &mut Fields, now: Timestamp) -> Result<Option<Self>> {
        let id: Option<MessageId> = fields.parsed_unless_empty()?;
        Ok(id.map(|id| End {
            id,
            age: now.since(id.posted()),
        }))
    }
}

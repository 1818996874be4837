//! The terms of a claim: its fence, and until when it lives.
//!
//! Guards that a lease is renewed only while it lives: a claim that is gone can't be brought back,
//! for its messages may be with another worker.

use std::time::Duration;

use super::{Claim, ClaimId};
use crate::error::Result;
use crate::message::Message;
use crate::operation::Operation;
use crate::queue::Queue;
use crate::reply::Fields;
use crate::script::{CLAIM_GET, RENEW};
use crate::time::{Timestamp, millis};

/// The terms of a claim, as they were when the server answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// The claim's number, larger than that of every earlier claim of the queue.
    pub fence: u64,
    /// How long it lives, from its creation or last renewal.
    pub ttl: Duration,
    /// How much longer its messages live at least.
    pub grace: Duration,
    /// When it lapses, by the server's clock.
    pub deadline: Timestamp,
    /// What the server's clock said when it answered.
    pub now: Timestamp,
}

impl Lease {
    /// How much of it was left when the server answered. What the answer took is to be deducted.
    pub fn left(&self) -> Duration {
        self.deadline.since(self.now)
    }

    /// How long ago it was created or renewed, when the server answered.
    pub fn age(&self) -> Duration {
        self.ttl.saturating_sub(self.left())
    }

    /// As claim, claim_get and renew answer: now, fence, ttl, grace, deadline.
    pub(super) fn read(fields: &mut Fields) -> Result<Self> {
        let now = fields.number()?.into();
        Ok(Lease {
            now,
            fence: fields.number()?,
            ttl: Duration::from_millis(fields.number()?),
            grace: Duration::from_millis(fields.number()?),
            deadline: fields.number()?.into(),
        })
    }
}

impl Queue {
    /// Looks up a claim by its id, with the messages it still holds.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let id = "8c9e3bd2-9f5d-4b6a-8f3e-2f0f5a2b9c11".parse()?;
    /// let claim = queue.get_claim(id).await?;
    /// println!("{:?} holds {} messages", claim.worker(), claim.messages().len());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ClaimDoesNotExist`](crate::Error::ClaimDoesNotExist).
    pub async fn get_claim(&self, id: ClaimId) -> Result<Claim> {
        let of = Operation::begin(self.store());
        let call = of.timed(&CLAIM_GET, self.keys()).arg(id.as_str());
        let reply = of.call(call).await?;
        let read = || {
            let mut fields = Fields::of(reply)?;
            let lease = Lease::read(&mut fields)?;
            let worker = fields.text()?;
            Claim::read(self, id, lease, worker, fields)
        };
        read().map_err(|error| error.within(self.path(), Some(id.as_str())))
    }

    /// Gives a claim a new ttl (1 ms to 10 years) and grace (0 to 10 years), counted from now.
    /// Messages that would expire before its new deadline live until that and the grace are over.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue, claim: marconi_redis::Claim) -> marconi_redis::Result<()> {
    /// use std::time::Duration;
    ///
    /// let lease = queue.renew(claim.id(), claim.ttl(), claim.grace()).await?;
    /// println!("good for another {:?}", lease.left());
    /// # Ok(()) }
    /// ```
    ///
    /// Dropping the future leaves it renewed or not; renewing it again is safe.
    ///
    /// # Errors
    /// [`ClaimDoesNotExist`](crate::Error::ClaimDoesNotExist) where it ended: drop what it held.
    pub async fn renew(&self, id: ClaimId, ttl: Duration, grace: Duration) -> Result<Lease> {
        let of = Operation::begin(self.store());
        let call = of.timed(&RENEW, self.keys()).arg(id.as_str());
        let call = call.arg(millis(ttl)).arg(millis(grace));
        let reply = of.call(call).await?;
        let lease = Fields::of(reply).and_then(|mut fields| Lease::read(&mut fields));
        lease.map_err(|error| error.within(self.path(), Some(id.as_str())))
    }
}

impl Claim {
    /// The rest of a reply is the messages.
    pub(super) fn read(
        queue: &Queue,
        id: ClaimId,
        lease: Lease,
        worker: String,
        mut fields: Fields,
    ) -> Result<Self> {
        let mut messages = Vec::new();
        while !fields.are_all_read() {
            let (path, now) = (queue.path(), lease.now);
            messages.push(Message::read_taken(&mut fields, path, now, Some(id))?);
        }
        Ok(Claim {
            queue: queue.clone(),
            id,
            lease,
            worker,
            messages,
        })
    }
}

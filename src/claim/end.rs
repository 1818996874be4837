//! Giving messages back: a claim's all by release, single ones by nack.
//!
//! Guards the answer: a nack that was done is never called refused, though a repeat of it is.

use std::future::IntoFuture;
use std::time::Duration;

use redis::Value;

use super::ClaimId;
use crate::Pending;
use crate::error::{Outcome, Result};
use crate::link::Call;
use crate::message::{MessageId, refuse_above_most};
use crate::operation::Operation;
use crate::queue::Queue;
use crate::reply::Fields;
use crate::script::{NACK, RELEASE};
use crate::time::millis;

/// The release of a claim; `.await` it, and it answers how many messages the claim let go.
///
/// A claim that is gone is no error: then it is 0. A lost answer is asked for again, and is 0 then
/// too. Messages whose claims are used up are dead letters then, and are carried to their queue.
///
/// # Dropping the future
/// Leaves the claim released or not; releasing it again is safe.
#[must_use = "nothing is released until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Release {
    queue: Queue,
    claim: ClaimId,
    untried: bool,
}

/// Single messages to be given back, all or none; `.await` it, and it answers how many there were.
///
/// # Errors
/// [`ClaimDoesNotExist`](crate::Error::ClaimDoesNotExist), [`MessageDoesNotExist`](crate::Error::MessageDoesNotExist),
/// [`MessageNotClaimed`](crate::Error::MessageNotClaimed) and
/// [`MessageNotClaimedBy`](crate::Error::MessageNotClaimedBy) where the claim doesn't hold one of them: then
/// none was given back. [`InvalidArgument`](crate::Error::InvalidArgument) for a delay that is not less
/// than what is left of a message's ttl; [`TooLarge`](crate::Error::TooLarge) above 250 ids. No id is no
/// call.
///
/// After a lost answer it is tried once more. Where that is refused, the first may have been done,
/// and the error is one with [`Outcome::Unknown`].
///
/// # Dropping the future
/// Leaves all of them given back, or none; nacking them again is refused where they were.
#[must_use = "nothing is given back until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Nack {
    queue: Queue,
    claim: ClaimId,
    ids: Vec<MessageId>,
    delay: Duration,
    untried: bool,
}

impl Queue {
    /// Ends a claim: its messages are claimable at once, at their old places in the order. See
    /// [`Release`].
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let id = "8c9e3bd2-9f5d-4b6a-8f3e-2f0f5a2b9c11".parse()?;
    /// println!("{} messages released", queue.release(id).await?);
    /// # Ok(()) }
    /// ```
    pub fn release(&self, claim: ClaimId) -> Release {
        Release {
            queue: self.clone(),
            claim,
            untried: false,
        }
    }

    /// Gives single messages of a claim back. See [`Nack`].
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue, claim: marconi_redis::Claim) -> marconi_redis::Result<()> {
    /// use std::time::Duration;
    ///
    /// let ids = claim.messages().iter().map(|message| message.id());
    /// queue.nack(claim.id(), ids).delay(Duration::from_secs(5)).await?;
    /// # Ok(()) }
    /// ```
    pub fn nack(&self, claim: ClaimId, ids: impl IntoIterator<Item = MessageId>) -> Nack {
        Nack {
            queue: self.clone(),
            claim,
            ids: ids.into_iter().collect(),
            delay: Duration::ZERO,
            untried: false,
        }
    }

    /// Of a reply with the letters that wait: carries those, and answers the rest.
    async fn let_go(&self, of: &Operation, claim: &ClaimId, reply: Value) -> Result<u64> {
        let read = || {
            let mut fields = Fields::of(reply)?;
            Ok((fields.number()?, fields.number()?))
        };
        let read: Result<_> = read();
        let (count, letters) =
            read.map_err(|error| error.within(self.path(), Some(claim.as_str())))?;
        if letters > 0 {
            self.carry_what_waits(of).await;
        }
        Ok(count)
    }
}

impl Release {
    /// Whether to hand the try back: these claims then don't count towards the queue's limit.
    pub fn untried(mut self, untried: bool) -> Self {
        self.untried = untried;
        self
    }

    async fn run(self) -> Result<u64> {
        let queue = &self.queue;
        let of = Operation::begin(queue.store());
        let call = of.timed(&RELEASE, queue.keys());
        let call = call.arg(self.claim.as_str()).arg(flag(self.untried));
        let reply = of.call(call).await?;
        queue.let_go(&of, &self.claim, reply).await
    }
}

impl Nack {
    /// How long they stay unseen: not at all, unless set; less than what is left of their ttl.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Whether to hand the try back: these claims then don't count towards the queue's limit.
    pub fn untried(mut self, untried: bool) -> Self {
        self.untried = untried;
        self
    }

    async fn run(self) -> Result<u64> {
        let queue = &self.queue;
        if self.ids.is_empty() {
            return Ok(0);
        }
        refuse_above_most(queue.path(), "ids", self.ids.len())?;
        let of = Operation::begin(queue.store());
        let first = of.call_once(self.call(&of)).await;
        let reply = match first {
            Err(lost)
                if lost.outcome() == Outcome::Unknown && of.may_repeat_lost() && of.has_time() =>
            {
                // A refusal now says nothing of the first try: that is what it is refused for.
                let again = of.call(self.call(&of)).await;
                again.map_err(|_| lost)?
            }
            first => first?,
        };
        queue.let_go(&of, &self.claim, reply).await
    }

    fn call(&self, of: &Operation) -> Call {
        let call = of
            .timed(&NACK, self.queue.keys())
            .arg(self.claim.as_str())
            .arg(millis(self.delay))
            .arg(flag(self.untried));
        self.ids.iter().fold(call, Call::shown)
    }
}

fn flag(set: bool) -> &'static str {
    if set { "1" } else { "" }
}

impl IntoFuture for Release {
    type Output = Result<u64>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl IntoFuture for Nack {
    type Output = Result<u64>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

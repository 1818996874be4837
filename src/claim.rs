//! Claims: the lease of one worker on some messages.
//!
//! Guards the worker's knowledge: what it holds, until when, and by which fence another can tell that
//! it is too late.

mod create;
mod end;
mod id;
mod lease;

use std::time::Duration;

pub use create::CreateClaim;
pub use end::{Nack, Release};
pub use id::ClaimId;
pub use lease::Lease;

use crate::error::Result;
use crate::message::{Message, MessageId};
use crate::queue::{Delete, Queue};

/// A claim that this program made or looked up, with the messages it held then.
///
/// What is here is what the server said when it answered; the claim itself is on the server, and
/// ends with its last message, its release, or its deadline.
///
/// **Dropping it releases nothing**: the messages stay claimed until the deadline. Call
/// [`release`](Claim::release) to give them back at once.
///
/// ```no_run
/// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
/// use std::time::Duration;
///
/// if let Some(claim) = queue.claim().ttl(Duration::from_secs(30)).await? {
///     for message in claim.messages() {
///         println!("{:?}", message.body::<String>()?);
///         claim.delete(message.id()).await?;
///     }
/// }
/// # Ok(()) }
/// ```
///
/// To renew a claim while its messages are worked on, use [`Queue::renew`] from another task, with
/// the claim's [id](Claim::id).
#[derive(Debug, Clone)]
pub struct Claim {
    queue: Queue,
    id: ClaimId,
    lease: Lease,
    worker: String,
    messages: Vec<Message>,
}

impl Claim {
    /// The queue that it is on.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Its id.
    pub fn id(&self) -> ClaimId {
        self.id
    }

    /// A number that only grows from claim to claim of a queue, whatever happens to the queue: a
    /// store downstream that keeps the largest it has seen can refuse a worker that is too late.
    pub fn fence(&self) -> u64 {
        self.lease.fence
    }

    /// How long it lives, counted from its creation or last renewal.
    pub fn ttl(&self) -> Duration {
        self.lease.ttl
    }

    /// How much longer than the claim its messages live at least.
    pub fn grace(&self) -> Duration {
        self.lease.grace
    }

    /// How long ago it was created or renewed, when the server answered.
    pub fn age(&self) -> Duration {
        self.lease.age()
    }

    /// All of these, and the deadline.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// The name of the worker, where it gave one.
    pub fn worker(&self) -> Option<&str> {
        Some(self.worker.as_str()).filter(|worker| !worker.is_empty())
    }

    /// What it held when the server answered, oldest first.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// What it holds by now.
    ///
    /// # Errors
    /// [`ClaimDoesNotExist`](crate::Error::ClaimDoesNotExist).
    pub async fn get(&self) -> Result<Claim> {
        self.queue.get_claim(self.id).await
    }

    /// Deletes a message that it holds: the work is done. One that is gone already is no error.
    ///
    /// Dropping the future leaves the message deleted or not; deleting it again is safe.
    ///
    /// # Errors
    /// What tells a worker that it is too late: [`MessageNotClaimed`](crate::Error::MessageNotClaimed),
    /// [`MessageNotClaimedBy`](crate::Error::MessageNotClaimedBy),
    /// [`ClaimDoesNotExist`](crate::Error::ClaimDoesNotExist). [`Delete`] has them as a table.
    pub async fn delete(&self, id: MessageId) -> Result<()> {
        self.delete_many([id]).await.map(|_| ())
    }

    /// Deletes messages that it holds, all or none. See [`Delete`].
    ///
    /// ```no_run
    /// # async fn example(claim: marconi_redis::Claim) -> marconi_redis::Result<()> {
    /// let done: Vec<_> = claim.messages().iter().take(3).map(|message| message.id()).collect();
    /// claim.delete_many(done).await?;
    /// # Ok(()) }
    /// ```
    pub fn delete_many(&self, ids: impl IntoIterator<Item = MessageId>) -> Delete {
        self.queue.delete_many(ids).claim(self.id)
    }

    /// Deletes all messages that it held when the server answered, all or none. See [`Delete`].
    ///
    /// ```no_run
    /// # async fn example(claim: marconi_redis::Claim) -> marconi_redis::Result<()> {
    /// assert_eq!(claim.delete_all().await?, claim.messages().len() as u64);
    /// # Ok(()) }
    /// ```
    pub fn delete_all(&self) -> Delete {
        self.delete_many(self.messages.iter().map(Message::id))
    }

    /// Gives it a new ttl and grace, counted from now, and notes them here. See [`Queue::renew`].
    ///
    /// ```no_run
    /// # async fn example(mut claim: marconi_redis::Claim) -> marconi_redis::Result<()> {
    /// use std::time::Duration;
    ///
    /// claim.renew(Duration::from_secs(60), claim.grace()).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Dropping the future leaves it renewed or not; renewing it again is safe.
    ///
    /// # Errors
    /// [`ClaimDoesNotExist`](crate::Error::ClaimDoesNotExist): drop what it held.
    pub async fn renew(&mut self, ttl: Duration, grace: Duration) -> Result<()> {
        self.lease = self.queue.renew(self.id, ttl, grace).await?;
        Ok(())
    }

    /// Ends it: its messages are claimable at once, at their old places. See [`Release`].
    ///
    /// ```no_run
    /// # async fn example(claim: marconi_redis::Claim) -> marconi_redis::Result<()> {
    /// claim.release().untried(true).await?; // a worker that shuts down has not tried
    /// # Ok(()) }
    /// ```
    pub fn release(&self) -> Release {
        self.queue.release(self.id)
    }

    /// Gives single messages back, all or none. See [`Nack`].
    ///
    /// ```no_run
    /// # async fn example(claim: marconi_redis::Claim) -> marconi_redis::Result<()> {
    /// use std::time::Duration;
    ///
    /// let failed = claim.messages()[0].id();
    /// claim.nack([failed]).delay(Duration::from_secs(30)).await?;
    /// # Ok(()) }
    /// ```
    pub fn nack(&self, ids: impl IntoIterator<Item = MessageId>) -> Nack {
        self.queue.nack(self.id, ids)
    }
}

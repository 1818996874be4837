//! Deleting messages.
//!
//! Guards the worker that is too late: what another claim holds by now is not deleted, and of many
//! messages all are or none.

use std::future::IntoFuture;

use super::Queue;
use crate::Pending;
use crate::claim::ClaimId;
use crate::error::Result;
use crate::link::Call;
use crate::message::{MessageId, refuse_above_most};
use crate::operation::Operation;
use crate::script::DELETE;

/// A deletion of up to 250 messages, all or none; `.await` it, and it answers how many there were.
///
/// | the message is | claim named | outcome |
/// | --- | --- | --- |
/// | gone or never was | none or any | done, silently |
/// | unclaimed | none | deleted |
/// | unclaimed | any | [`MessageNotClaimed`](crate::Error::MessageNotClaimed): the claim lapsed |
/// | claimed | none | [`MessageIsClaimed`](crate::Error::MessageIsClaimed) |
/// | claimed | its own | deleted |
/// | claimed | another live one | [`MessageNotClaimedBy`](crate::Error::MessageNotClaimedBy) |
/// | claimed | another that is gone | [`ClaimDoesNotExist`](crate::Error::ClaimDoesNotExist) |
///
/// A refusal names the first message in the way; then none was deleted. Above 250 ids it is
/// [`TooLarge`](crate::Error::TooLarge). No id is no call. A lost answer is asked for again; what
/// the first try deleted is then not counted.
///
/// # Dropping the future
/// Leaves all of them deleted, or none; the same deletion, made again, is safe.
#[must_use = "nothing is deleted until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Delete {
    queue: Queue,
    claim: Option<ClaimId>,
    ids: Vec<MessageId>,
}

impl Queue {
    /// Deletes messages. See [`Delete`]; [`Claim::delete`](crate::Claim::delete) names the claim by
    /// itself. (The queue as a whole goes by [`Queue::delete`].)
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let ids = queue.post("hello").await?;
    /// assert_eq!(queue.delete_many(ids).await?, 1);
    /// # Ok(()) }
    /// ```
    pub fn delete_many(&self, ids: impl IntoIterator<Item = MessageId>) -> Delete {
        Delete {
            queue: self.clone(),
            claim: None,
            ids: ids.into_iter().collect(),
        }
    }

    /// Deletes one message that nobody holds. See [`Delete`].
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// queue.delete_one("1700000000000-0".parse()?).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`MessageIsClaimed`](crate::Error::MessageIsClaimed). One that is gone is no error.
    pub async fn delete_one(&self, id: MessageId) -> Result<()> {
        self.delete_many([id]).await.map(|_| ())
    }
}

impl Delete {
    /// The claim under which they are held.
    pub fn claim(mut self, claim: ClaimId) -> Self {
        self.claim = Some(claim);
        self
    }

    async fn run(self) -> Result<u64> {
        let queue = &self.queue;
        if self.ids.is_empty() {
            return Ok(0);
        }
        refuse_above_most(queue.path(), "ids", self.ids.len())?;
        let of = Operation::begin(queue.store());
        let claim = self.claim.as_ref().map_or("", ClaimId::as_str);
        let room = (2 + self.ids.len(), 64 + MessageId::ROOM * self.ids.len());
        let call = of.timed_with_room(&DELETE, queue.keys(), room).arg(claim);
        let call = self.ids.iter().fold(call, Call::shown);
        queue.numbered(of.call(call).await?)
    }
}

impl IntoFuture for Delete {
    type Output = Result<u64>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

//! Whether a store works, what it can do, and the housekeeping that nobody waits for.
//!
//! Guards that trying leaves nothing behind: it is done on a queue that nobody else has, and that is
//! deleted whatever fails.

mod collect;
mod volume;

use std::time::{Duration, Instant};

use uuid::Uuid;

pub use collect::Collected;
pub use volume::Volume;

use crate::claim::Claim;
use crate::error::{Error, Result};
use crate::keys::Part;
use crate::link::Call;
use crate::message::NewMessage;
use crate::operation::Operation;
use crate::queue::Queue;
use crate::store::Store;

/// How long what is posted for a trial lives, if nobody deletes it.
const MINUTE: Duration = Duration::from_secs(60);

/// How a store is, as far as trying tells.
#[derive(Debug)]
#[non_exhaustive]
pub struct Health {
    /// Whether the server answers.
    pub is_reachable: bool,
    /// Each kind of operation that was tried, in the order of trying. One that needs what failed before
    /// is not tried, and not here.
    pub operations: Vec<Tried>,
    /// What is in the queues; an error where that could not be found out.
    pub volume: Result<Volume>,
}

/// What came of trying one kind of operation.
#[derive(Debug)]
#[non_exhaustive]
pub struct Tried {
    /// Which.
    pub operation: OperationKind,
    /// How long it took, repetitions included.
    pub took: Duration,
    /// Why it failed; `None` where it did not.
    pub error: Option<Error>,
}

/// The kinds of operations that are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OperationKind {
    /// Creating a queue.
    CreateQueue,
    /// Posting ten messages.
    Post,
    /// Claiming five of them.
    Claim,
    /// Listing all of them.
    List,
    /// Deleting one under the claim.
    DeleteMessage,
    /// Releasing the claim.
    DeleteClaim,
    /// Deleting the others at once.
    BulkDelete,
    /// Deleting the queue.
    DeleteQueue,
}

/// Something that a storage of Marconi can do; a flavor may ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// Messages are handed out in the order of posting.
    Fifo,
    /// Messages can be claimed.
    Claims,
    /// What was posted outlives a restart: as far as the server is set to keep it, see the README on
    /// what is guaranteed.
    Durability,
    /// A message is delivered until somebody deletes it.
    AtLeastOnce,
    /// Made for many messages.
    HighThroughput,
}

impl OperationKind {
    /// In lower case, as the command line has it: `create_queue`.
    pub fn as_str(self) -> &'static str {
        match self {
            OperationKind::CreateQueue => "create_queue",
            OperationKind::Post => "post",
            OperationKind::Claim => "claim",
            OperationKind::List => "list",
            OperationKind::DeleteMessage => "delete_message",
            OperationKind::DeleteClaim => "delete_claim",
            OperationKind::BulkDelete => "bulk_delete",
            OperationKind::DeleteQueue => "delete_queue",
        }
    }
}

impl Health {
    /// Whether the server answers and nothing that was tried failed.
    pub fn is_good(&self) -> bool {
        let failed = |tried: &Tried| tried.error.is_some();
        self.is_reachable && !self.operations.iter().any(failed) && self.volume.is_ok()
    }
}

impl Store {
    /// Whether the server answers, within the deadline; of a cluster, whether all its primaries do.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) {
    /// assert!(store.is_alive().await);
    /// # }
    /// ```
    pub async fn is_alive(&self) -> bool {
        let of = Operation::begin(self);
        let asked = of.everywhere(&[Call::keyless("PING")]).await;
        asked.is_ok_and(|replies| replies.iter().flatten().all(|reply| reply.is_ok()))
    }

    /// What this storage can do, in Marconi's words.
    ///
    /// ```no_run
    /// # fn example(store: marconi_redis::Store) {
    /// use marconi_redis::Capability;
    ///
    /// assert!(store.capabilities().contains(&Capability::Claims));
    /// # }
    /// ```
    pub fn capabilities(&self) -> &'static [Capability] {
        &[
            Capability::Fifo,
            Capability::Claims,
            Capability::Durability,
            Capability::AtLeastOnce,
            Capability::HighThroughput,
        ]
    }

    /// Tries each kind of operation on a queue of its own, and counts the messages of all queues. The
    /// cost grows with the number of queues: see [`volume`](Self::volume).
    ///
    /// The queue is of a random project and is deleted in the end, whatever failed. Where the server is
    /// lost on the way it can stay; its messages are gone after a minute.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) {
    /// let health = store.health().await;
    /// for tried in &health.operations {
    ///     println!("{}: {:?} {:?}", tried.operation.as_str(), tried.took, tried.error);
    /// }
    /// # }
    /// ```
    ///
    /// # Dropping the future
    /// Stops nothing: it goes on to its end in the background, so that the queue is deleted.
    pub async fn health(&self) -> Health {
        let is_reachable = self.is_alive().await;
        let operations = match is_reachable {
            true => {
                let store = self.clone();
                let trying = tokio::spawn(async move { Trial::of(&store).await });
                // It is never aborted, and what it does has no panic in it.
                trying.await.unwrap_or_default()
            }
            false => Vec::new(),
        };
        Health {
            is_reachable,
            operations,
            volume: self.volume().await,
        }
    }
}

/// One trial under way.
#[derive(Default)]
struct Trial(Vec<Tried>);

impl Trial {
    async fn of(store: &Store) -> Vec<Tried> {
        let (project, name) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
        let mut trial = Trial::default();
        // A UUID is a good name.
        let Ok(queue) = store.queue(&project, &name) else {
            return trial.0;
        };
        let created = trial.time(OperationKind::CreateQueue, async || queue.create().await);
        if created.await.is_some() {
            trial.messages(&queue).await;
        }
        // Also where its making failed: it may be there all the same.
        let deleted = trial.time(OperationKind::DeleteQueue, async || queue.delete().await);
        if deleted.await.is_some() {
            forget(&queue).await;
        }
        trial.0
    }

    async fn messages(&mut self, queue: &Queue) {
        let posted = self.time(OperationKind::Post, async || {
            let messages: Result<Vec<_>> = (0..10).map(|n: u64| NewMessage::new(&n)).collect();
            queue.post_many(messages?).ttl(MINUTE).await
        });
        let Some(ids) = posted.await else { return };
        let claimed = self.time(OperationKind::Claim, async || {
            queue.claim().ttl(MINUTE).limit(5).await
        });
        let claim = claimed.await.flatten();
        let listed = self.time(OperationKind::List, async || {
            queue.list().claimed(true).await
        });
        listed.await;
        if let Some(claim) = claim {
            self.claim(&claim).await;
        }
        let deleted = self.time(OperationKind::BulkDelete, async || {
            queue.delete_many(ids).await
        });
        deleted.await;
    }

    async fn claim(&mut self, claim: &Claim) {
        if let Some(message) = claim.messages().first() {
            let deleted = self.time(OperationKind::DeleteMessage, async || {
                claim.delete(message.id()).await
            });
            deleted.await;
        }
        let released = self.time(OperationKind::DeleteClaim, async || claim.release().await);
        released.await;
    }

    /// Notes how long it took and how it failed.
    async fn time<T>(
        &mut self,
        operation: OperationKind,
        run: impl AsyncFnOnce() -> Result<T>,
    ) -> Option<T> {
        let begun = Instant::now();
        let (done, error) = match run().await {
            Ok(done) => (Some(done), None),
            Err(error) => (None, Some(error)),
        };
        self.0.push(Tried {
            operation,
            took: begun.elapsed(),
            error,
        });
        done
    }
}

/// Nobody makes this queue again, so nothing has to outlive it for a day.
async fn forget(queue: &Queue) {
    let of = Operation::begin(queue.store());
    let floor = Call::on_key("UNLINK", &queue.keys().key(Part::Floor));
    // It goes by itself, if not now.
    _ = of.call(floor).await;
}

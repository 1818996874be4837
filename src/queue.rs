//! A queue: the handle, and what is done to the queue as a whole.
//!
//! Guards that an answer is true: what can't be repeated is not, and what was lost on the way is
//! called unknown.

mod check;
mod create;
mod dead_letters;
mod delete;
mod letters;
mod list;
mod pop;
mod post;
mod read;
mod redrive;
mod repair;
mod stats;
mod sweep;
mod transit;
mod wait;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use create::CreateQueue;
pub use dead_letters::{DeadLetters, ListDeadLetters};
pub use delete::Delete;
pub use list::{List, MessagePage};
pub use pop::Pop;
pub use post::Post;
pub use read::Order;
pub use redrive::{Redrive, Redriven};
pub use stats::{End, Stats};
pub use transit::{LetterInTransit, ListInTransit, TransitPage};
pub(crate) use wait::{Look, is_empty_handed};

use redis::Value;

use crate::error::Result;
use crate::keys::{QueueKeys, QueuePath};
use crate::metadata::Metadata;
use crate::operation::Operation;
use crate::reply::{Fields, number};
use crate::script::{QUEUE_DELETE, QUEUE_EXISTS, QUEUE_GET, QUEUE_PURGE, QUEUE_SET};
use crate::store::{Names, Store};

/// A handle on a queue, whether it exists or not.
///
/// Clones are cheap, `Send` and `Sync`. Every operation ends within the store's deadline, and
/// dropping its future is the same as a lost answer: see [`Store`](Store#deadlines-and-dropped-futures).
///
/// # Errors
/// Beside what an operation names: [`Error::Transport`](crate::Error::Transport) where the server
/// can't be reached, refuses or falls silent; [`Error::NewerSchema`](crate::Error::NewerSchema)
/// where a later version of this crate wrote the queue; [`Error::Corrupt`](crate::Error::Corrupt)
/// and [`Error::InvalidArgument`](crate::Error::InvalidArgument) where something else wrote to its
/// keys.
#[derive(Clone)]
pub struct Queue {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    keys: QueueKeys,
    /// Housekeeping was left to do when a call on this handle last looked.
    behind: AtomicBool,
    /// Its single posts, where the store merges them.
    merging: post::Merging,
}

impl Queue {
    pub(crate) fn new(store: Store, keys: QueueKeys) -> Self {
        let inner = Inner {
            store,
            keys,
            behind: AtomicBool::new(false),
            merging: post::Merging::default(),
        };
        Queue {
            inner: inner.into(),
        }
    }

    /// The store it is a handle of.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Its project and name.
    pub fn path(&self) -> &QueuePath {
        self.inner.keys.path()
    }

    /// Its keys, as a program in another language needs them.
    ///
    /// ```no_run
    /// # fn example(queue: marconi_redis::Queue) {
    /// use marconi_redis::keys::Part;
    ///
    /// for part in Part::ALL {
    ///     println!("{part}: {}", queue.keys().key(*part));
    /// }
    /// # }
    /// ```
    pub fn keys(&self) -> &QueueKeys {
        &self.inner.keys
    }

    /// Creates it, if it doesn't exist; answers whether it is new. See [`CreateQueue`].
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// use marconi_redis::Metadata;
    ///
    /// let is_new = queue.create().await?;
    /// queue.create().metadata(Metadata::new().with_max_claim_count(5)).await?;
    /// # Ok(()) }
    /// ```
    pub fn create(&self) -> CreateQueue {
        CreateQueue::new(self.clone())
    }

    /// Whether it exists.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// assert!(!queue.exists().await?);
    /// queue.post("hello").await?;
    /// assert!(queue.exists().await?);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// None of its own; see [`Queue`](Queue#errors).
    pub async fn exists(&self) -> Result<bool> {
        let of = Operation::begin(self.store());
        let call = of.script(&QUEUE_EXISTS, self.keys());
        self.numbered(of.call(call).await?).map(|n| n == 1)
    }

    /// Its metadata; empty where none were given.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// println!("dead after {:?} claims", queue.metadata().await?.max_claim_count());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`QueueDoesNotExist`](crate::Error::QueueDoesNotExist).
    pub async fn metadata(&self) -> Result<Metadata> {
        let of = Operation::begin(self.store());
        let call = of.script(&QUEUE_GET, self.keys());
        let reply = of.call(call).await?;
        let described = Description::read(reply);
        described
            .map(|d| d.metadata)
            .map_err(|e| e.within(self.path(), None))
    }

    /// Replaces its metadata.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let metadata = queue.metadata().await?.with("owner", "billing")?;
    /// queue.set_metadata(&metadata).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Repeated only while it is known not to have been done, since another's could have come
    /// between; a lost answer is an error with [`Outcome::Unknown`](crate::Outcome::Unknown).
    ///
    /// # Errors
    /// [`QueueDoesNotExist`](crate::Error::QueueDoesNotExist);
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for a reserved value out of its bounds,
    /// and for a `_dead_letter_queue` that leads back to this queue;
    /// [`TooLarge`](crate::Error::TooLarge) above 256 KiB.
    pub async fn set_metadata(&self, metadata: &Metadata) -> Result<()> {
        let of = Operation::begin(self.store());
        self.refuse_circles(&of, metadata).await?;
        let call = |_| create::with_metadata(of.timed(&QUEUE_SET, self.keys()), Some(metadata));
        self.swept(&of, None, call).await?;
        Ok(())
    }

    /// Deletes all messages and claims, in the same time for ten as for ten million; answers how
    /// many messages went. Metadata, post tokens and dead letters stay, and ids go on.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// println!("{} messages deleted", queue.purge().await?);
    /// # Ok(()) }
    /// ```
    ///
    /// Repeated only while it is known not to have been done; a lost answer is an error with
    /// [`Outcome::Unknown`](crate::Outcome::Unknown). Messages whose time was over already are
    /// counted where nobody had swept them yet.
    ///
    /// # Errors
    /// [`QueueDoesNotExist`](crate::Error::QueueDoesNotExist).
    pub async fn purge(&self) -> Result<u64> {
        let of = Operation::begin(self.store());
        let call = |_| of.timed(&QUEUE_PURGE, self.keys());
        let purged = self.swept(&of, None, call).await?;
        self.numbered(purged)
    }

    /// Deletes the queue with all it holds; answers whether it was there. Letters in transit to a
    /// dead-letter queue are carried there first; those that can't be stay, and are found and
    /// carried later. Ids and fences go on where it is created again.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// assert!(queue.delete().await?);
    /// assert!(!queue.delete().await?);
    /// # Ok(()) }
    /// ```
    ///
    /// Repeated only while it is known not to have been done, since someone could have created it
    /// again meanwhile; a lost answer is an error with
    /// [`Outcome::Unknown`](crate::Outcome::Unknown).
    ///
    /// # Dropping the future
    /// Can leave the queue's name behind; the next listing sees that and takes it out.
    ///
    /// # Errors
    /// None of its own; see [`Queue`](Queue#errors).
    pub async fn delete(&self) -> Result<bool> {
        let of = Operation::begin(self.store());
        self.carry_what_waits(&of).await;
        let call = |_| of.timed(&QUEUE_DELETE, self.keys());
        let deleted = self.swept(&of, None, call).await?;
        // The queue is gone; a name that could not be taken out is seen to by whoever lists.
        let path = self.path().clone();
        let left = Names::of(&of).leave(self.path().project(), &[path]).await;
        self.report("name not taken out", left);
        self.numbered(deleted).map(|n| n == 1)
    }

    /// A reply that is one number.
    fn numbered(&self, reply: Value) -> Result<u64> {
        number(reply).map_err(|error| error.within(self.path(), None))
    }

    /// Notes what went wrong after the operation itself was done.
    #[cfg_attr(not(feature = "tracing"), allow(clippy::unused_self))]
    fn report<T>(&self, what: &'static str, result: Result<T>) {
        #[cfg(feature = "tracing")]
        if let Err(error) = result {
            tracing::warn!(queue = self.path().tag(), %error, "{what}");
        }
        #[cfg(not(feature = "tracing"))]
        let _ = (what, result);
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("path", self.path())
            .field("store", self.store())
            .finish()
    }
}

/// What `queue/get` says of a queue.
pub(crate) struct Description {
    pub(crate) metadata: Metadata,
}

impl Description {
    pub(crate) fn read(reply: Value) -> Result<Self> {
        let (map, settings) = Self::parts(reply)?;
        let metadata = Metadata::from_server(&map, settings)?;
        Ok(Description { metadata })
    }

    /// The same, where one unreadable map is not to hide the others.
    pub(crate) fn read_leniently(reply: Value) -> Result<Self> {
        let (map, settings) = Self::parts(reply)?;
        let metadata = Metadata::from_server(&map, settings.clone())
            .unwrap_or_else(|_| Metadata::of_settings(settings));
        Ok(Description { metadata })
    }

    #[allow(clippy::type_complexity)]
    fn parts(reply: Value) -> Result<(Vec<u8>, Vec<(String, String)>)> {
        let mut fields = Fields::of(reply)?;
        let (_created, map) = (fields.number()?, fields.bytes()?);
        let mut settings = Vec::new();
        while !fields.are_all_read() {
            settings.push((fields.text()?, fields.text()?));
        }
        Ok((map, settings))
    }
}

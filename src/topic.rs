//! A topic: messages that everybody reads and nobody claims.
//!
//! Guards that topics and queues never meet: a topic is a queue under a prefix of its own, and nothing
//! here claims, pops or moves letters.

mod list;
mod subscriptions;

use std::fmt;

use serde::Serialize;

pub use list::{TopicPage, Topics};

use crate::check::Violation;
use crate::error::Result;
use crate::keys::{ProjectName, QueueKeys, QueuePath};
use crate::message::{Message, MessageId, NewMessage};
use crate::metadata::Metadata;
use crate::queue::{CreateQueue, Delete, List, Order, Post, Queue, Stats};
use crate::repair::Repair;
use crate::store::Store;

/// A handle on a topic, whether it exists or not; cheap to clone.
///
/// Messages are posted to it as to a queue, and read by listing: each reader keeps a marker of its own
/// and begins after it. They live until their ttl is over; nobody takes them. Posting to a topic that
/// doesn't exist creates it, unless the store is set not to create queues.
///
/// Names, metadata and what an operation costs are those of queues. A topic and a queue of one name
/// have nothing to do with each other: the keys of topics begin with the store's prefix and `.topics`.
/// Of the reserved metadata, the default ttl and delay and the bound on posts count here.
///
/// ```no_run
/// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
/// let news = store.topic("shop", "news")?;
/// news.post("umbrellas are cheap today").await?;
/// let mut marker = None;
/// loop {
///     let mut asked = news.list().limit(100);
///     if let Some(marker) = marker {
///         asked = asked.marker(marker);
///     }
///     let page = asked.await?;
///     for message in &page.messages {
///         println!("{}", message.body::<String>()?);
///     }
///     let Some(last) = page.messages.last() else { break };
///     marker = Some(last.id());
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
/// As of a [`Queue`]; one that doesn't exist is
/// [`TopicDoesNotExist`](crate::Error::TopicDoesNotExist). Other errors name the topic as they name
/// queues.
#[derive(Clone)]
pub struct Topic {
    queue: Queue,
}

impl Store {
    /// A handle on a topic, whether it exists or not. Asks the server nothing.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// let is_new = store.topic("shop", "news")?.create().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for a name that is none, as for
    /// [queues](Store::queue), and for a prefix above 57 bytes.
    pub fn topic(&self, project: &str, name: &str) -> Result<Topic> {
        Ok(Topic::of(self.of_topics()?.queue(project, name)?))
    }

    /// Lists the topics of a project, in name order. See [`Topics`].
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// for topic in store.topics("shop")?.name_contains("news").await?.topics {
    ///     println!("{}", topic.name);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for a project name that is none, and for a
    /// prefix above 57 bytes.
    pub fn topics(&self, project: &str) -> Result<Topics> {
        let project = ProjectName::new(project)?;
        Ok(Topics::new(self.of_topics()?, project))
    }
}

impl Topic {
    /// The topic that a queue of a store of topics is.
    pub(crate) fn of(queue: Queue) -> Self {
        Topic { queue }
    }

    /// Its project and name.
    pub fn path(&self) -> &QueuePath {
        self.queue.path()
    }

    /// Its keys, as a program in another language needs them.
    pub fn keys(&self) -> &QueueKeys {
        self.queue.keys()
    }

    /// Creates it, if it doesn't exist; answers whether it is new. See [`CreateQueue`].
    ///
    /// ```no_run
    /// # async fn example(topic: marconi_redis::Topic) -> marconi_redis::Result<()> {
    /// use marconi_redis::Metadata;
    ///
    /// topic.create().metadata(Metadata::new().with("owner", "billing")?).await?;
    /// # Ok(()) }
    /// ```
    pub fn create(&self) -> CreateQueue {
        self.queue.create()
    }

    /// Whether it exists.
    ///
    /// # Errors
    /// None of its own; see [`Topic`](Topic#errors).
    pub async fn exists(&self) -> Result<bool> {
        self.queue.exists().await
    }

    /// Its metadata; empty where none were given.
    ///
    /// # Errors
    /// [`TopicDoesNotExist`](crate::Error::TopicDoesNotExist).
    pub async fn metadata(&self) -> Result<Metadata> {
        self.told(self.queue.metadata().await)
    }

    /// Replaces its metadata. Repeated and lost as for [queues](Queue::set_metadata).
    ///
    /// # Errors
    /// [`TopicDoesNotExist`](crate::Error::TopicDoesNotExist), and as for queues.
    pub async fn set_metadata(&self, metadata: &Metadata) -> Result<()> {
        self.told(self.queue.set_metadata(metadata).await)
    }

    /// Deletes all messages; answers how many. Repeated and lost as for [queues](Queue::purge).
    ///
    /// # Errors
    /// [`TopicDoesNotExist`](crate::Error::TopicDoesNotExist).
    pub async fn purge(&self) -> Result<u64> {
        self.told(self.queue.purge().await)
    }

    /// Deletes the topic with its messages; answers whether it was there. Its subscriptions stay.
    /// Repeated, lost and dropped as for [queues](Queue::delete).
    ///
    /// # Errors
    /// None of its own; see [`Topic`](Topic#errors).
    pub async fn delete(&self) -> Result<bool> {
        self.queue.delete().await
    }

    /// How many messages there are. Exact, as for queues; nothing is ever claimed or dead.
    ///
    /// ```no_run
    /// # async fn example(topic: marconi_redis::Topic) -> marconi_redis::Result<()> {
    /// println!("{} messages", topic.stats().await?.total);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`TopicDoesNotExist`](crate::Error::TopicDoesNotExist).
    pub async fn stats(&self) -> Result<Stats> {
        self.told(self.queue.stats().await)
    }

    /// Posts one message: any serde value. See [`Post`].
    ///
    /// ```no_run
    /// # async fn example(topic: marconi_redis::Topic) -> marconi_redis::Result<()> {
    /// topic.post("hello").token("hello-1").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As of [`Post`]; [`TopicDoesNotExist`](crate::Error::TopicDoesNotExist) where the store is set
    /// not to create queues.
    pub fn post<T: Serialize + ?Sized>(&self, body: &T) -> Post {
        self.queue.post(body)
    }

    /// Posts up to 250 messages, all or none. No message is no call.
    ///
    /// # Errors
    /// As of [`post`](Self::post).
    pub fn post_many(&self, messages: impl IntoIterator<Item = NewMessage>) -> Post {
        self.queue.post_many(messages)
    }

    /// Lists messages, oldest first. See [`List`].
    pub fn list(&self) -> List {
        self.queue.list()
    }

    /// A message by its id.
    ///
    /// # Errors
    /// [`MessageDoesNotExist`](crate::Error::MessageDoesNotExist).
    pub async fn get(&self, id: MessageId) -> Result<Message> {
        self.queue.get(id).await
    }

    /// Up to 250 messages by their ids; those that are gone are left out.
    ///
    /// # Errors
    /// [`TooLarge`](crate::Error::TooLarge) above 250 ids. No id is no call.
    pub async fn get_many(&self, ids: impl IntoIterator<Item = MessageId>) -> Result<Vec<Message>> {
        self.queue.get_many(ids).await
    }

    /// The oldest or the newest message there is: a reader that wants only what is new begins after
    /// that one.
    ///
    /// # Errors
    /// None of its own; see [`Topic`](Topic#errors).
    pub async fn first(&self, order: Order) -> Result<Option<Message>> {
        self.queue.first(order).await
    }

    /// Deletes up to 250 messages; answers how many there were. See [`Delete`]; no claim is needed.
    pub fn delete_many(&self, ids: impl IntoIterator<Item = MessageId>) -> Delete {
        self.queue.delete_many(ids)
    }

    /// Deletes one message. One that is gone is no error.
    ///
    /// # Errors
    /// None of its own; see [`Topic`](Topic#errors).
    pub async fn delete_one(&self, id: MessageId) -> Result<()> {
        self.queue.delete_one(id).await
    }

    /// Looks at all there is in the topic and answers what does not fit together, as
    /// [for queues](Queue::check).
    ///
    /// ```no_run
    /// # async fn example(topic: marconi_redis::Topic) -> marconi_redis::Result<()> {
    /// assert!(topic.check().await?.is_empty());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// None of its own; see [`Topic`](Topic#errors).
    pub async fn check(&self) -> Result<Vec<Violation>> {
        self.queue.check().await
    }

    /// Mends what [`check`](Self::check) finds, as [for queues](Queue::repair).
    ///
    /// ```no_run
    /// # async fn example(topic: marconi_redis::Topic) -> marconi_redis::Result<()> {
    /// assert!(topic.repair().await?.iter().all(|repair| repair.is_mended));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// None of its own; see [`Topic`](Topic#errors).
    pub async fn repair(&self) -> Result<Vec<Repair>> {
        self.queue.repair().await
    }

    fn told<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| self.queue.store().told(error))
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic")
            .field("path", self.path())
            .field("store", self.queue.store())
            .finish()
    }
}

//! Topics on one of many pools.
//!
//! Guards that a topic goes by the rules by which queues go, and by a catalogue of its own; and that a
//! prefix without room for topics is refused before one is placed.

use std::future::IntoFuture;

use super::{CreatePooledQueue, PooledStore};
use crate::Pending;
use crate::error::Result;
use crate::keys::QueuePath;
use crate::metadata::Metadata;
use crate::store::Kind;
use crate::topic::Topic;

/// Topics, as on one server: [`Store::topic`](crate::Store::topic).
impl PooledStore {
    /// A handle on a topic, on the pool that it is on.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::PooledStore) -> marconi_redis::Result<()> {
    /// for message in store.topic("shop", "news").await?.list().await?.messages {
    ///     println!("{}", message.body::<String>()?);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`QueueNotMapped`](crate::Error::QueueNotMapped) where it is on none;
    /// [`PoolDoesNotExist`](crate::Error::PoolDoesNotExist) where its pool was taken out.
    pub async fn topic(&self, project: &str, name: &str) -> Result<Topic> {
        let path = self.topic_path(project, name)?;
        self.find(Kind::Topic, &path).await.map(Topic::of)
    }

    /// The same; a topic that is on no pool yet gets one that serves no flavor, where a post will make it.
    ///
    /// # Errors
    /// [`PoolDoesNotExist`](crate::Error::PoolDoesNotExist) where no such pool takes new topics.
    pub async fn topic_or_new(&self, project: &str, name: &str) -> Result<Topic> {
        let path = self.topic_path(project, name)?;
        let found = self.find_or_register(Kind::Topic, &path).await;
        found.map(Topic::of)
    }

    /// Creates a topic on a pool of its flavor, unless it is there. See [`CreatePooledTopic`].
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::PooledStore) -> marconi_redis::Result<()> {
    /// let (news, is_new) = store.create_topic("shop", "news")?.flavor("ssd").await?;
    /// news.post("umbrellas are cheap today").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for a name that is none, and for a prefix above 57
    /// bytes.
    pub fn create_topic(&self, project: &str, name: &str) -> Result<CreatePooledTopic> {
        let path = self.topic_path(project, name)?;
        let creation = CreatePooledQueue::new(self.clone(), Kind::Topic, path);
        Ok(CreatePooledTopic(creation))
    }

    /// Deletes a topic with its messages, and takes it out of the catalogue; answers whether it was
    /// there. See [`Topic::delete`]. A queue of its name stays where it is.
    ///
    /// # Dropping the future
    /// Can leave an entry in the catalogue; deleting it again takes it out.
    ///
    /// # Errors
    /// As of [`Topic::delete`]; then it stays in the catalogue.
    pub async fn delete_topic(&self, project: &str, name: &str) -> Result<bool> {
        let path = self.topic_path(project, name)?;
        self.delete(Kind::Topic, &path).await
    }

    fn topic_path(&self, project: &str, name: &str) -> Result<QueuePath> {
        self.control().store().of(Kind::Topic)?;
        QueuePath::new(project, name)
    }
}

/// The creation of a topic on a pool; `.await` it, and it answers a handle on the topic, and whether it is
/// new. One that is on some pool already stays there, whatever flavor is asked for.
///
/// # Errors
/// As of [`CreatePooledQueue`].
///
/// # Dropping the future
/// Can leave an entry in the catalogue without a topic: the next creation makes it there.
#[must_use = "nothing is created until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CreatePooledTopic(CreatePooledQueue);

impl CreatePooledTopic {
    /// On a pool of this flavor of the project. Without it the metadata's `_flavor` counts, else it is a
    /// pool that serves none.
    pub fn flavor(self, flavor: &str) -> Self {
        CreatePooledTopic(self.0.flavor(flavor))
    }

    /// With this metadata; see [`CreateQueue::metadata`](crate::CreateQueue::metadata).
    pub fn metadata(self, metadata: Metadata) -> Self {
        CreatePooledTopic(self.0.metadata(metadata))
    }
}

impl IntoFuture for CreatePooledTopic {
    type Output = Result<(Topic, bool)>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (queue, is_new) = self.0.await?;
            Ok((Topic::of(queue), is_new))
        })
    }
}

//! Listing the topics of many pools in one order.
//!
//! Guards that it lists topics alone, by the rules by which the queues of many pools are listed.

use std::collections::BTreeMap;
use std::future::IntoFuture;

use serde::Serialize;

use super::{PooledQueues, PooledStore};
use crate::Pending;
use crate::error::{Error, Result};
use crate::keys::QueueName;
use crate::store::{Kind, QueueEntry};

impl PooledStore {
    /// Lists the topics of a project on all pools, in name order. See [`PooledTopics`].
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::PooledStore) -> marconi_redis::Result<()> {
    /// for topic in store.topics("shop")?.limit(100).await?.topics {
    ///     println!("{} on {}", topic.topic.name, topic.pool);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`InvalidArgument`](Error::InvalidArgument) for a project name that is none, and for a prefix
    /// above 57 bytes.
    pub fn topics(&self, project: &str) -> Result<PooledTopics> {
        PooledQueues::new(self, Kind::Topic, project).map(PooledTopics)
    }
}

/// A listing of a project's topics on all pools, in name order; `.await` it.
///
/// # Errors
/// As of [`PooledQueues`]: a pool that is down is none; the page says which pools failed.
#[must_use = "a listing does nothing until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PooledTopics(PooledQueues);

/// Some topics of all pools, and where the next ones begin.
#[derive(Debug)]
#[non_exhaustive]
pub struct PooledTopicPage {
    /// In name order.
    pub topics: Vec<PooledTopicEntry>,
    /// Pools that topics of this page would be on, and why they could not be asked.
    pub failed: BTreeMap<String, Error>,
    /// Where the next page begins; `None` at the end.
    pub marker: Option<QueueName>,
}

/// One topic of a listing, and its pool.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PooledTopicEntry {
    /// The topic.
    pub topic: QueueEntry,
    /// The name of its pool.
    pub pool: String,
}

impl PooledTopics {
    /// Begin after this name, listed or not.
    pub fn marker(self, marker: QueueName) -> Self {
        PooledTopics(self.0.marker(marker))
    }

    /// At most so many: 10, unless set; 1 to 250.
    pub fn limit(self, limit: usize) -> Self {
        PooledTopics(self.0.limit(limit))
    }

    /// Only topics with this in their name.
    pub fn name_contains(self, part: &str) -> Self {
        PooledTopics(self.0.name_contains(part))
    }

    /// Only topics whose metadata have this name with this value; see
    /// [`Topics::metadata_is`](crate::Topics::metadata_is).
    pub fn metadata_is<T: Serialize + ?Sized>(self, name: &str, value: &T) -> Self {
        PooledTopics(self.0.metadata_is(name, value))
    }

    /// With each topic's metadata.
    pub fn with_metadata(self) -> Self {
        PooledTopics(self.0.with_metadata())
    }

    /// How many topics the listing has in all, from its marker on. Each is looked at.
    ///
    /// # Errors
    /// As of the listing, and that of the first pool that is down: no number without it is true.
    pub async fn count(self) -> Result<u64> {
        self.0.count().await
    }
}

impl IntoFuture for PooledTopics {
    type Output = Result<PooledTopicPage>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let page = self.0.await?;
            let topics = page.queues.into_iter().map(|entry| PooledTopicEntry {
                topic: entry.queue,
                pool: entry.pool,
            });
            Ok(PooledTopicPage {
                topics: topics.collect(),
                failed: page.failed,
                marker: page.marker,
            })
        })
    }
}

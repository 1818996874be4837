//! Listing the queues of many pools in one order.
//!
//! Guards the order and the marker: both are the catalogue's, so they hold whichever pools are down.

use std::collections::BTreeMap;
use std::future::IntoFuture;

use serde::Serialize;

use super::PooledStore;
use crate::Pending;
use crate::error::{Error, Result};
use crate::keys::{ProjectName, QueueName};
use crate::operation::Operation;
use crate::store::{Kind, QueueEntry, Queues};

/// How many entries of the catalogue are looked at at once.
const CHUNK: usize = 250;

impl PooledStore {
    /// Lists the queues of a project on all pools, in name order. See [`PooledQueues`].
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::PooledStore) -> marconi_redis::Result<()> {
    /// for queue in store.queues("shop")?.limit(100).await?.queues {
    ///     println!("{} on {}", queue.queue.name, queue.pool);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`InvalidArgument`](Error::InvalidArgument) for a project name that is none.
    pub fn queues(&self, project: &str) -> Result<PooledQueues> {
        PooledQueues::new(self, Kind::Queue, project)
    }

    /// How many queues a project has on all pools. Each is looked at.
    ///
    /// # Errors
    /// That of the first pool that is down: no number without it is true.
    pub async fn count(&self, project: &str) -> Result<u64> {
        self.queues(project)?.count().await
    }
}

/// A listing of a project's queues on all pools, in name order; `.await` it.
///
/// # Errors
/// [`InvalidArgument`](Error::InvalidArgument) for a limit out of its bounds, and what the control plane
/// says. A pool that is down is no error of the listing: the page says which pools failed.
#[must_use = "a listing does nothing until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PooledQueues {
    store: PooledStore,
    kind: Kind,
    wanted: Queues,
    project: ProjectName,
    marker: Option<QueueName>,
    limit: usize,
}

/// Some queues of all pools, and where the next ones begin.
#[derive(Debug)]
#[non_exhaustive]
pub struct PooledQueuePage {
    /// In name order.
    pub queues: Vec<PooledQueueEntry>,
    /// Pools that queues of this page would be on, and why they could not be asked.
    pub failed: BTreeMap<String, Error>,
    /// Where the next page begins; `None` at the end.
    pub marker: Option<QueueName>,
}

/// One queue of a listing, and its pool.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PooledQueueEntry {
    /// The queue.
    pub queue: QueueEntry,
    /// The name of its pool.
    pub pool: String,
}

impl PooledQueues {
    pub(super) fn new(store: &PooledStore, kind: Kind, project: &str) -> Result<Self> {
        let project = ProjectName::new(project)?;
        // Never asked itself: it brings the filters to the pools.
        let filters = store.control().store().of(kind)?;
        Ok(PooledQueues {
            store: store.clone(),
            kind,
            wanted: Queues::new(filters, project.clone()),
            project,
            marker: None,
            limit: 10,
        })
    }

    /// Begin after this name, listed or not.
    pub fn marker(mut self, marker: QueueName) -> Self {
        self.marker = Some(marker);
        self
    }

    /// At most so many: 10, unless set; 1 to 250.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Only queues with this in their name.
    pub fn name_contains(mut self, part: &str) -> Self {
        self.wanted = self.wanted.name_contains(part);
        self
    }

    /// Only queues whose metadata have this name with this value; see
    /// [`Queues::metadata_is`](crate::Queues::metadata_is).
    pub fn metadata_is<T: Serialize + ?Sized>(mut self, name: &str, value: &T) -> Self {
        self.wanted = self.wanted.metadata_is(name, value);
        self
    }

    /// With each queue's metadata.
    pub fn with_metadata(mut self) -> Self {
        self.wanted = self.wanted.with_metadata();
        self
    }

    /// How many queues the listing has in all, from its marker on. Each is looked at.
    ///
    /// # Errors
    /// As of the listing, and that of the first pool that is down: no number without it is true.
    pub async fn count(mut self) -> Result<u64> {
        self.limit = CHUNK;
        let mut count = 0;
        loop {
            let page = self.clone().run().await?;
            if let Some((_, error)) = page.failed.into_iter().next() {
                return Err(error);
            }
            count += page.queues.len() as u64;
            match page.marker {
                None => return Ok(count),
                marker => self.marker = marker,
            }
        }
    }

    async fn run(self) -> Result<PooledQueuePage> {
        if !(1..=CHUNK).contains(&self.limit) {
            return Err(Error::invalid("limit", "wants 1 to 250"));
        }
        let mut page = PooledQueuePage {
            queues: Vec::new(),
            failed: BTreeMap::new(),
            marker: None,
        };
        let mut after = self.marker.clone();
        loop {
            let mut entries = self
                .store
                .catalogue(self.kind)
                .catalogue(self.project.as_str())?
                .limit(CHUNK);
            if let Some(after) = after {
                entries = entries.marker(after);
            }
            let entries = entries.await?;
            let mut by_pool: BTreeMap<String, Vec<QueueName>> = BTreeMap::new();
            for entry in entries.entries {
                by_pool.entry(entry.pool).or_default().push(entry.queue);
            }
            let mut found = Vec::new();
            for (pool, names) in by_pool {
                match self.on_pool(&pool, names).await {
                    Ok(queues) => found.extend(queues.into_iter().map(|queue| PooledQueueEntry {
                        queue,
                        pool: pool.clone(),
                    })),
                    Err(error) => _ = page.failed.insert(pool, error),
                }
            }
            found.sort_by(|a, b| a.queue.name.cmp(&b.queue.name));
            let room = self.limit - page.queues.len();
            page.queues.extend(found.drain(..room.min(found.len())));
            after = entries.marker;
            if page.queues.len() == self.limit && (!found.is_empty() || after.is_some()) {
                page.marker = page.queues.last().map(|last| last.queue.name.clone());
                return Ok(page);
            }
            if after.is_none() {
                return Ok(page);
            }
        }
    }

    /// Those of these names that are there and are wanted.
    async fn on_pool(&self, pool: &str, names: Vec<QueueName>) -> Result<Vec<QueueEntry>> {
        let store = self.store.pool(pool).await?.of(self.kind)?;
        let of = Operation::begin(&store);
        self.wanted.looked_up(&of, names).await
    }
}

impl IntoFuture for PooledQueues {
    type Output = Result<PooledQueuePage>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

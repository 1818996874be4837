//! Creating a queue on one of many pools.
//!
//! Guards that two clients which create one queue at once end on one pool: the catalogue chooses, once.

use std::future::IntoFuture;

use super::PooledStore;
use crate::Pending;
use crate::error::Result;
use crate::keys::QueuePath;
use crate::metadata::Metadata;
use crate::operation::Account;
use crate::queue::Queue;
use crate::store::Kind;

/// The creation of a queue on a pool; `.await` it, and it answers a handle on the queue, and whether it is
/// new. One that is on some pool already stays there, whatever flavor is asked for.
///
/// # Errors
/// [`FlavorDoesNotExist`](crate::Error::FlavorDoesNotExist) and
/// [`PoolDoesNotExist`](crate::Error::PoolDoesNotExist) where there is no pool to be had; and as of
/// [`CreateQueue`](crate::CreateQueue).
///
/// # Dropping the future
/// Can leave an entry in the catalogue without a queue: the next creation makes it there.
#[must_use = "nothing is created until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CreatePooledQueue {
    store: PooledStore,
    kind: Kind,
    path: QueuePath,
    flavor: Option<String>,
    metadata: Option<Metadata>,
}

impl CreatePooledQueue {
    pub(super) fn new(store: PooledStore, kind: Kind, path: QueuePath) -> Self {
        CreatePooledQueue {
            store,
            kind,
            path,
            flavor: None,
            metadata: None,
        }
    }

    /// On a pool of this flavor of the project. Without it the metadata's `_flavor` counts, else it is a
    /// pool that serves none.
    pub fn flavor(mut self, flavor: &str) -> Self {
        self.flavor = Some(flavor.to_owned());
        self
    }

    /// With this metadata; see [`CreateQueue::metadata`](crate::CreateQueue::metadata).
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = Some(metadata);
        self
    }

    async fn run(self) -> Result<(Queue, bool)> {
        let (store, kind, path) = (&self.store, self.kind, &self.path);
        let catalogue = store.catalogue(kind);
        let of_metadata = self.metadata.as_ref().and_then(Metadata::flavor);
        let flavor = self.flavor.as_deref().or(of_metadata);
        let (placement, _) = catalogue.register(path, flavor).await?;
        let queue = store.at(kind, path, &placement)?;
        let mut creation = queue.create();
        if let Some(metadata) = &self.metadata {
            creation = creation.metadata(metadata.clone());
        }
        let is_new = creation.await?;
        store.believe(kind, path, &placement);
        // Taken out meanwhile, by someone who deleted the queue of before: it goes back in.
        let mut account = Account::begun();
        if is_new {
            account.step(catalogue.place(path, &placement.pool).await);
        }
        account.close((queue, is_new))
    }
}

impl IntoFuture for CreatePooledQueue {
    type Output = Result<(Queue, bool)>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

//! Where a queue or a topic is: asked of the catalogue, and believed for a while.
//!
//! Guards that topics and queues of one name stay apart, in what is believed as in the catalogue.

use tokio::time::Instant;

use super::{PooledStore, locked};
use crate::control::{Control, Placement};
use crate::error::{Error, Result};
use crate::keys::QueuePath;
use crate::operation::Account;
use crate::queue::Queue;
use crate::store::{Kind, Store};

/// So many answers of the catalogue are kept; then those that are too old go.
const KEPT: usize = 10_000;

impl PooledStore {
    /// A handle on what this is the name of, where the catalogue has it. A topic's is on the queue that
    /// it is.
    pub(crate) async fn find(&self, kind: Kind, path: &QueuePath) -> Result<Queue> {
        let placement = self.placement(kind, path).await?;
        self.at(kind, path, &placement)
    }

    pub(crate) async fn find_or_register(&self, kind: Kind, path: &QueuePath) -> Result<Queue> {
        match self.find(kind, path).await {
            Err(Error::QueueNotMapped { .. }) => {
                let (placement, _) = self.catalogue(kind).register(path, None).await?;
                self.believe(kind, path, &placement);
                self.at(kind, path, &placement)
            }
            found => found,
        }
    }

    /// Deletes it and takes it out of the catalogue; answers whether it was there.
    pub(super) async fn delete(&self, kind: Kind, path: &QueuePath) -> Result<bool> {
        self.forget(path);
        let placement = match self.placement(kind, path).await {
            Err(Error::QueueNotMapped { .. }) => return Ok(false),
            found => found?,
        };
        let queue = self.at(kind, path, &placement)?;
        let deleted = queue.delete().await?;
        let mut account = Account::begun();
        let pool = &placement.pool;
        account.step(self.take_out(kind, path, pool, &queue).await);
        account.close(deleted)
    }

    /// Out of the catalogue, after the deletion.
    async fn take_out(
        &self,
        kind: Kind,
        path: &QueuePath,
        pool: &str,
        queue: &Queue,
    ) -> Result<()> {
        let catalogue = self.catalogue(kind);
        catalogue.unplace(path, pool).await?;
        self.forget(path);
        // Made again meanwhile, by someone who had seen the entry: it goes back in.
        if queue.exists().await? {
            catalogue.place(path, pool).await?;
        }
        Ok(())
    }

    /// The control plane, with the catalogue that has these.
    pub(super) fn catalogue(&self, kind: Kind) -> Control {
        match kind {
            Kind::Queue => self.control().clone(),
            Kind::Topic => self.control().of_topics(),
        }
    }

    async fn placement(&self, kind: Kind, path: &QueuePath) -> Result<Placement> {
        let known = locked(&self.inner.placements)
            .get(&(kind, path.clone()))
            .cloned();
        if let Some((placement, since)) = known
            && since.elapsed() < self.believed_for
        {
            return Ok(placement);
        }
        let placement = self.catalogue(kind).placement(path).await?;
        self.believe(kind, path, &placement);
        Ok(placement)
    }

    pub(super) fn believe(&self, kind: Kind, path: &QueuePath, placement: &Placement) {
        let mut placements = locked(&self.inner.placements);
        if placements.len() >= KEPT {
            placements.retain(|_, (_, since)| since.elapsed() < self.believed_for);
        }
        if placements.len() < KEPT {
            placements.insert((kind, path.clone()), (placement.clone(), Instant::now()));
        }
    }

    pub(super) fn at(&self, kind: Kind, path: &QueuePath, placement: &Placement) -> Result<Queue> {
        let Some(uri) = &placement.uri else {
            let what = match kind {
                Kind::Queue => "",
                Kind::Topic => "the topic, as ",
            };
            return Err(Error::PoolDoesNotExist {
                detail: format!(
                    "{what}{path} is on pool {}, which was taken out",
                    placement.pool
                ),
            });
        };
        let store = self.store_at(&placement.pool, uri)?;
        Ok(store.of(kind)?.queue_at(path.clone()))
    }

    /// The store of a pool, connected to when first used.
    pub(super) fn store_at(&self, pool: &str, uri: &str) -> Result<Store> {
        let mut stores = locked(&self.inner.stores);
        if let Some(store) = stores.get(uri) {
            return Ok(store.clone());
        }
        let store = self
            .control()
            .store()
            .neighbour(uri, &format!("pool {pool}"), self)?;
        stores.insert(uri.to_owned(), store.clone());
        Ok(store)
    }
}

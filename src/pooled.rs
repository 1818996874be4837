//! A store over many pools: each queue and topic is on one of them, and the catalogue says on which.
//!
//! Guards that a queue is on one pool only. It is entered in the catalogue before it is made and looked
//! for there once more after that; it is deleted before it is taken out, and looked for once more after
//! that. So whoever dies between leaves an entry without a queue at worst, which the next creation uses
//! and the next deletion takes out.

mod create;
mod list;
mod place;
mod topic;
mod topic_list;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub use create::CreatePooledQueue;
pub use list::{PooledQueueEntry, PooledQueuePage, PooledQueues};
pub use topic::CreatePooledTopic;
pub use topic_list::{PooledTopicEntry, PooledTopicPage, PooledTopics};

use crate::control::{Control, Placement};
use crate::error::Result;
use crate::health::Health;
use crate::keys::{ProjectName, QueuePath};
use crate::operation::Account;
use crate::queue::Queue;
use crate::store::{Kind, Store};

/// How long it is believed where a queue is, unless set.
const BELIEVED_FOR: Duration = Duration::from_secs(10);

/// A store whose queues are on many servers; clones are cheap and share the connections.
///
/// It asks the control plane where a queue is and hands out a [`Queue`] there, which works as any other.
/// A new queue goes to a pool of its flavor, by weight.
///
/// ```no_run
/// # async fn example() -> marconi_redis::Result<()> {
/// use marconi_redis::PooledStore;
///
/// let store = PooledStore::connect("redis://127.0.0.1").await?; // where the control plane is
/// store.control().create_pool("east", 100, "redis://10.0.0.1").await?;
/// store.control().create_pool("west", 50, "redis://10.0.0.2").await?;
/// let (orders, is_new) = store.create_queue("shop", "orders")?.await?;
/// orders.post("hello").await?;
/// # Ok(()) }
/// ```
///
/// [Topics](Self::topic) are placed as queues are, and in a catalogue of their own: a topic and a queue
/// of one name may be on different pools.
///
/// # Where a queue is
/// is asked of the control plane once and believed for a while: 10 s, unless
/// [set](Self::believe_for). A queue that another client deletes and makes again on another pool
/// meanwhile is looked for where it was; [`forget`](Self::forget) asks anew at once.
///
/// # Errors
/// A pool that is down fails its own queues only: the error of each says which pool it was.
#[derive(Clone)]
pub struct PooledStore {
    inner: Arc<Inner>,
    believed_for: Duration,
}

struct Inner {
    control: Control,
    /// By uri: a pool that moves is another server.
    stores: Mutex<HashMap<String, Store>>,
    placements: Mutex<HashMap<(Kind, QueuePath), (Placement, Instant)>>,
}

impl PooledStore {
    /// Connects to the server that keeps the control plane. The pools are connected to when needed.
    ///
    /// # Errors
    /// As of [`Store::connect`].
    pub async fn connect(url: &str) -> Result<Self> {
        Ok(Self::over(&Store::connect(url).await?))
    }

    /// With the control plane that this store's Redis keeps. The stores of the pools have its settings:
    /// prefix, client, deadline and all.
    pub fn over(control: &Store) -> Self {
        let inner = Inner {
            control: control.control(),
            stores: Mutex::default(),
            placements: Mutex::default(),
        };
        PooledStore {
            inner: Arc::new(inner),
            believed_for: BELIEVED_FOR,
        }
    }

    /// How long it is believed where a queue is: 10 s, unless set; zero asks each time.
    pub fn believe_for(mut self, time: Duration) -> Self {
        self.believed_for = time;
        self
    }

    /// The control plane: pools, flavors and the catalogue.
    pub fn control(&self) -> &Control {
        &self.inner.control
    }

    /// A handle on a queue, on the pool that it is on.
    ///
    /// # Errors
    /// [`QueueNotMapped`](crate::Error::QueueNotMapped) where it is on none;
    /// [`PoolDoesNotExist`](crate::Error::PoolDoesNotExist) where its pool was taken out.
    pub async fn queue(&self, project: &str, name: &str) -> Result<Queue> {
        self.find(Kind::Queue, &QueuePath::new(project, name)?)
            .await
    }

    /// The same; a queue that is on no pool yet gets one that serves no flavor, where a post will make it.
    ///
    /// # Errors
    /// [`PoolDoesNotExist`](crate::Error::PoolDoesNotExist) where no such pool takes new queues.
    pub async fn queue_or_new(&self, project: &str, name: &str) -> Result<Queue> {
        let path = QueuePath::new(project, name)?;
        self.find_or_register(Kind::Queue, &path).await
    }

    /// Creates a queue on a pool of its flavor, unless it is there. See [`CreatePooledQueue`].
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for a name that is none.
    pub fn create_queue(&self, project: &str, name: &str) -> Result<CreatePooledQueue> {
        let path = QueuePath::new(project, name)?;
        Ok(CreatePooledQueue::new(self.clone(), Kind::Queue, path))
    }

    /// Deletes a queue with all it holds, and takes it out of the catalogue; answers whether it was there.
    /// See [`Queue::delete`].
    ///
    /// # Dropping the future
    /// Can leave an entry in the catalogue; deleting it again takes it out.
    ///
    /// # Errors
    /// As of [`Queue::delete`]; then it stays in the catalogue.
    pub async fn delete_queue(&self, project: &str, name: &str) -> Result<bool> {
        let path = QueuePath::new(project, name)?;
        self.delete(Kind::Queue, &path).await
    }

    /// The store of one pool, by the pool's name.
    ///
    /// # Errors
    /// [`PoolDoesNotExist`](crate::Error::PoolDoesNotExist);
    /// [`InvalidArgument`](crate::Error::InvalidArgument) where its uri is none.
    pub async fn pool(&self, name: &str) -> Result<Store> {
        let pool = self.control().pool(name).await?;
        self.store_at(name, &pool.uri)
    }

    /// How each pool is, by its name; see [`Store::health`]. The cost grows with the number of queues.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::PooledStore) -> marconi_redis::Result<()> {
    /// for (pool, health) in store.health().await? {
    ///     println!("{pool}: {}", if health.is_reachable { "up" } else { "down" });
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// What the control plane says; [`InvalidArgument`](crate::Error::InvalidArgument) where a pool's uri is none.
    /// A pool that is down is no error.
    pub async fn health(&self) -> Result<BTreeMap<String, Health>> {
        let mut all = BTreeMap::new();
        for pool in self.control().pools().limit(1000).await?.pools {
            let health = self.store_at(&pool.name, &pool.uri)?.health().await;
            all.insert(pool.name, health);
        }
        Ok(all)
    }

    /// Carries all dead letters of a project that wait on some pool; see
    /// [`Store::carry_dead_letters`]. Letters go to the pool that their target is on.
    ///
    /// # Errors
    /// The first one that occurs, after all other pools were seen to.
    pub async fn carry_dead_letters(&self, project: &str) -> Result<u64> {
        let project = ProjectName::new(project)?;
        let (mut account, mut arrived) = (Account::default(), 0);
        let pools = account.look(self.control().pools().limit(1000).await);
        for pool in pools.into_iter().flat_map(|page| page.pools) {
            if let Some(store) = account.look(self.store_at(&pool.name, &pool.uri)) {
                arrived += store.carry_all(&project, &mut account).await;
            }
        }
        account.close(arrived)
    }

    /// Believes nothing any more of where the queue of this name is, and the topic.
    pub fn forget(&self, path: &QueuePath) {
        let mut placements = locked(&self.inner.placements);
        for kind in [Kind::Queue, Kind::Topic] {
            placements.remove(&(kind, path.clone()));
        }
    }

    /// For the stores of the pools, which must not keep each other alive.
    pub(crate) fn downgrade(&self) -> Neighbours {
        Neighbours {
            inner: Arc::downgrade(&self.inner),
            believed_for: self.believed_for,
        }
    }
}

/// What a pool's store knows of the others: where a queue is that is not its own.
#[derive(Clone)]
pub(crate) struct Neighbours {
    inner: std::sync::Weak<Inner>,
    believed_for: Duration,
}

impl Neighbours {
    /// `None` where nobody has it any more.
    pub(crate) fn pooled(&self) -> Option<PooledStore> {
        Some(PooledStore {
            inner: self.inner.upgrade()?,
            believed_for: self.believed_for,
        })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for PooledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PooledStore")
            .field("control", self.control())
            .finish_non_exhaustive()
    }
}

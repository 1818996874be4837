//! The store: one Redis with queues on it, and the handle that everything starts from.
//!
//! Guards that handles are cheap and alike: a clone shares the connection, the bound on requests
//! and the settings, and may go to any thread.

mod builder;
mod names;
mod projects;
mod queues;
mod scripts;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::ConnectionLike;

pub use builder::Builder;
pub(crate) use names::Names;
pub use projects::{ProjectPage, Projects};
pub use queues::{QueueEntry, QueuePage, Queues};
pub use scripts::ScriptState;

use crate::control::Control;
use crate::durability::Durability;
use crate::error::{Error, Result};
use crate::keys::{Prefix, ProjectName, QueueKeys, QueuePath};
use crate::link::{Deployment, Link};
use crate::operation::{Account, Operation};
use crate::pooled::{Neighbours, PooledStore};
use crate::queue::Queue;
use crate::time::Timestamp;
use crate::wake::Wakes;

/// A handle on the queues of one Redis.
///
/// Clones share its connection; they are cheap, `Send` and `Sync`.
///
/// # Deadlines and dropped futures
/// Every operation ends within the store's deadline (5 s unless set): it reconnects, loads scripts
/// and repeats meanwhile, as far as a repeat is safe. An error says whether the operation was
/// [not done, done, or unknown](crate::Outcome).
///
/// Dropping the future of an operation is the same as a lost answer: what was sent is done or will
/// be, what was not sent never will. No other operation is disturbed. Where more is to be said, the
/// operation says it.
#[derive(Clone)]
pub struct Store {
    link: Link,
    wakes: Wakes,
    deadline: Duration,
    prefix: Prefix,
    /// What goes by the names of queues here.
    kind: Kind,
    /// What [`Store::at`] was given.
    fixed: Option<Timestamp>,
    settings: Arc<Settings>,
    /// Where other queues are, on a pool.
    neighbours: Option<Neighbours>,
}

/// What a name is the name of: a topic is a queue under a prefix of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Queue,
    Topic,
}

struct Settings {
    client: String,
    create_queues: bool,
    max_body: Option<u64>,
    merge_posts: bool,
    clock: Option<Box<Clock>>,
}

type Clock = dyn Fn() -> Timestamp + Send + Sync;

impl Store {
    /// Connects to a server with the usual settings.
    ///
    /// | url | what it leads to |
    /// | --- | --- |
    /// | `redis://user:password@host:6379/0` | a server; `rediss://`, with the feature `tls`, over TLS |
    /// | `unix:///path/to/socket` | a server on this machine |
    /// | `redis://host:26379,other:26379/0?master=name` | the primary of that name that these sentinels look after |
    /// | `redis://host:6379,other:6379?cluster=true` | a cluster, by some of its nodes |
    ///
    /// ```no_run
    /// # async fn example() -> marconi_redis::Result<()> {
    /// let store = marconi_redis::Store::connect("redis://127.0.0.1").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for a URL that is none,
    /// [`Error::Transport`](crate::Error::Transport) where the server can't be reached or refuses.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::builder().connect(url).await
    }

    /// To set what [`connect`](Self::connect) leaves as usual.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Works over a connection that the caller has, with the usual settings. Each operation uses a
    /// clone of it, so it should be a multiplexed one.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = marconi_redis::redis::Client::open("redis://127.0.0.1")?;
    /// let connection = client.get_multiplexed_async_connection().await?;
    /// let store = marconi_redis::Store::from_connection(connection);
    /// # Ok(()) }
    /// ```
    ///
    /// What the connection does between taking a command and failing is not known here, so all its
    /// failures count as unknown. Its own response timeout, if it has one, stands.
    pub fn from_connection<C>(connection: C) -> Self
    where
        C: ConnectionLike + Clone + Send + Sync + 'static,
    {
        Self::builder().over(connection)
    }

    /// Works over the caller's pool, with the usual settings: each attempt asks the closure for a
    /// connection and drops it when done. Where it fails, nothing was done.
    ///
    /// ```no_run
    /// # fn example(client: marconi_redis::redis::Client) {
    /// let store = marconi_redis::Store::from_pool(move || {
    ///     let client = client.clone();
    ///     async move { client.get_multiplexed_async_connection().await }
    /// });
    /// # }
    /// ```
    pub fn from_pool<F, Fut, C, E>(lend: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<C, E>> + Send + 'static,
        C: ConnectionLike + Send + 'static,
        E: fmt::Display,
    {
        Self::builder().pooled(lend)
    }

    /// A handle whose operations go by this time instead of the server's: for tests, and for hosts
    /// that have a clock of their own. The id of a message posted so has this time in it.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// let noon = 1_700_000_000_000;
    /// store.at(noon).queue("shop", "orders")?.post("hello").await?;
    /// let tomorrow = store.at(noon + 24 * 3_600_000).queue("shop", "orders")?;
    /// assert_eq!(tomorrow.get_many([]).await?.len(), 0);
    /// # Ok(()) }
    /// ```
    pub fn at(&self, now: impl Into<Timestamp>) -> Self {
        Store {
            fixed: Some(now.into()),
            ..self.clone()
        }
    }

    /// A handle whose operations have this long, from the call to its answer.
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Store {
            deadline,
            ..self.clone()
        }
    }

    /// A handle whose writes are acknowledged only once this is confirmed: so many replicas have them, or
    /// a disk has. It is cheap, as a clone is, and its queues, claims, topics and consumers have it too.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// use std::time::Duration;
    /// use marconi_redis::{Durability, Error};
    ///
    /// let replicated = Durability::replicas(1).within(Duration::from_millis(500));
    /// let orders = store.with_durability(replicated)?.queue("shop", "orders")?;
    /// match orders.post("an umbrella").token("order-17").await {
    ///     Ok(ids) => println!("{} outlives the primary", ids[0]),
    ///     // Posted, but no replica has told so: the same post, made again, answers once one has.
    ///     Err(error @ Error::Unconfirmed { .. }) => println!("{error}"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # What is confirmed
    /// Whatever writes: posts, claims, renewals, releases, nacks, deletions, pops, queues and their
    /// metadata, dead letters, topics, subscriptions, the control plane. Reads, refusals, and claims and
    /// pops that found nothing are answered at once. A claim that waits waits as ever; what it gets is
    /// confirmed. Housekeeping ([`Queue::gc`]) is not waited for: whoever takes over finds it to be done.
    ///
    /// # Where nothing is confirmed
    /// Too few replicas, or no fsync, within the time: [`Error::Unconfirmed`](crate::Error::Unconfirmed).
    /// The operation was done on the primary, and whether it outlives that is not known. An answer that
    /// was lost on the way is [`Error::Transport`](crate::Error::Transport). Both are
    /// [`Outcome::Unknown`](crate::Outcome::Unknown), and neither is repeated by the library: with a
    /// [token](crate::Post::token), or a [claim's id](crate::CreateClaim::id), the caller's own repeat has
    /// the effect of one, and is confirmed itself, the first one's write included. A pop without a token
    /// that is not confirmed loses its messages to the caller, as a lost answer does.
    ///
    /// # Cost
    /// One more round trip, and the replica's or the disk's time. A write and its receipt have a
    /// connection of their own meanwhile, up to [64 of them](crate::Builder::max_receipts); more writes
    /// wait their turn. What goes in one call has one receipt:
    /// [`post_many`](Queue::post_many), [`delete_many`](Queue::delete_many),
    /// [`merge_posts`](crate::Builder::merge_posts).
    ///
    /// # What it is not
    /// Redis with receipts is no consensus. A replica that was confirmed can be passed over when another
    /// takes the primary's place; ask for all of them, or let the server refuse writes without them
    /// (`min-replicas-to-write`). In a cluster the replicas are those of the queue's own primary.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for no replica and no fsync, or no time;
    /// and over a connection or pool of the caller's own, of which nobody knows what becomes of it between
    /// a write and its receipt. A server without WAITAOF (before Redis 7.2) refuses the first write that is
    /// to be on a disk, as [`Error::InvalidArgument`](crate::Error::InvalidArgument), and one with
    /// `appendonly no` as [`Error::Transport`](crate::Error::Transport); both before anything is done.
    pub fn with_durability(&self, durability: Durability) -> Result<Self> {
        Ok(Store {
            link: self.link.with_durability(durability)?,
            ..self.clone()
        })
    }

    /// A handle on a queue, whether it exists or not. Asks the server nothing.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// let orders = store.queue("shop", "orders/eu")?;
    /// let no_project = store.queue("", "orders")?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for a name that is none: a queue's
    /// is 1 to 256 bytes without control characters, a project's 0 to 256.
    pub fn queue(&self, project: &str, name: &str) -> Result<Queue> {
        Ok(self.queue_at(QueuePath::new(project, name)?))
    }

    /// The same, of names that are checked already.
    pub fn queue_at(&self, path: QueuePath) -> Queue {
        Queue::new(self.clone(), QueueKeys::new(self.prefix(), path))
    }

    /// Lists the queues of a project, in name order.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// let mut page = store.queues("shop")?.limit(100).with_metadata().await?;
    /// for queue in &page.queues {
    ///     println!("{}: {:?}", queue.name, queue.metadata);
    /// }
    /// if let Some(marker) = page.marker {
    ///     page = store.queues("shop")?.limit(100).marker(marker).await?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for a project name that is none.
    pub fn queues(&self, project: &str) -> Result<Queues> {
        Ok(Queues::new(self.clone(), ProjectName::new(project)?))
    }

    /// How many queues a project has. Each is looked at, so the cost grows with their number.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// println!("{} queues", store.count("shop").await?);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for a project name that is none,
    /// [`Error::Transport`](crate::Error::Transport).
    pub async fn count(&self, project: &str) -> Result<u64> {
        self.queues(project)?.count().await
    }

    /// Lists the projects that have queues, in name order.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// for project in store.projects().await?.projects {
    ///     println!("{project}: {} queues", store.count(project.as_str()).await?);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn projects(&self) -> Projects {
        Projects::new(self.clone())
    }

    /// Carries all dead letters of a project that wait in some queue, a deleted one included, to
    /// the queues they are addressed to. Answers how many arrived.
    ///
    /// The operations that find letters waiting carry them by themselves; this is for what a
    /// program left that crashed between.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// println!("{} letters arrived", store.carry_dead_letters("shop").await?);
    /// # Ok(()) }
    /// ```
    ///
    /// # Dropping the future
    /// Leaves letters where they are: each is still delivered once, by whoever carries next.
    ///
    /// # Errors
    /// The first one that occurs, after all other queues were seen to. The deadline is for each
    /// queue.
    pub async fn carry_dead_letters(&self, project: &str) -> Result<u64> {
        let project = ProjectName::new(project)?;
        let mut account = Account::default();
        let arrived = self.carry_all(&project, &mut account).await;
        account.close(arrived)
    }

    /// The same, as a part of something larger.
    pub(crate) async fn carry_all(&self, project: &ProjectName, account: &mut Account) -> u64 {
        let (mut arrived, mut after) = (0, None);
        loop {
            let operation = Operation::begin(self);
            let names = Names::of(&operation);
            let names = names.page(project, after.as_ref(), 250).await;
            let names = account.look(names).unwrap_or_default();
            let Some(last) = names.last() else {
                return arrived;
            };
            after = Some(last.clone());
            for name in names {
                let path = QueuePath::from_names(project.clone(), name);
                arrived += self.queue_at(path).carry_all(account).await;
            }
        }
    }

    /// The control plane that this store's Redis keeps: pools, flavors, and which queue is where.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// println!("{} pools", store.control().pools().limit(1000).await?.pools.len());
    /// # Ok(()) }
    /// ```
    pub fn control(&self) -> Control {
        Control::new(self)
    }

    /// A store on another server, with the same settings; what fails there says where it was.
    pub(crate) fn neighbour(&self, url: &str, label: &str, pooled: &PooledStore) -> Result<Store> {
        let deployment = Deployment::open(url)?;
        Ok(Store {
            link: self.link.another(deployment.clone(), label),
            wakes: self.wakes.another(deployment),
            neighbours: Some(pooled.downgrade()),
            ..self.clone()
        })
    }

    /// The store that another queue is on: this one, but where this is a pool.
    pub(crate) async fn store_of(&self, path: &QueuePath) -> Result<Store> {
        match self.neighbours.as_ref().and_then(Neighbours::pooled) {
            Some(pooled) => Ok(pooled.find(self.kind, path).await?.store().clone()),
            None => Ok(self.clone()),
        }
    }

    /// The same; a queue that is on no pool yet is given one.
    pub(crate) async fn store_for(&self, path: &QueuePath) -> Result<Store> {
        match self.neighbours.as_ref().and_then(Neighbours::pooled) {
            Some(pooled) => Ok(pooled
                .find_or_register(self.kind, path)
                .await?
                .store()
                .clone()),
            None => Ok(self.clone()),
        }
    }

    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    pub(crate) fn wakes(&self) -> &Wakes {
        &self.wakes
    }

    pub(crate) fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    /// The same server, where these are.
    pub(crate) fn of(&self, kind: Kind) -> Result<Self> {
        match kind {
            Kind::Queue => Ok(self.clone()),
            Kind::Topic => self.of_topics(),
        }
    }

    /// The same server, where topics are.
    pub(crate) fn of_topics(&self) -> Result<Self> {
        Ok(Store {
            prefix: self.prefix.of_topics()?,
            kind: Kind::Topic,
            ..self.clone()
        })
    }

    /// A refusal that speaks of a queue, in the word for what it is here.
    pub(crate) fn told(&self, error: Error) -> Error {
        match error {
            Error::QueueDoesNotExist { queue: topic } if self.kind == Kind::Topic => {
                Error::TopicDoesNotExist { topic }
            }
            error => error,
        }
    }

    pub(crate) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// The time that operations go by, where it is not the server's.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        let clock = self.settings.clock.as_ref();
        self.fixed.or_else(|| clock.map(|clock| clock()))
    }

    /// The id that messages bear which this store posts.
    pub fn client(&self) -> &str {
        &self.settings.client
    }

    pub(crate) fn creates_queues(&self) -> bool {
        self.settings.create_queues
    }

    pub(crate) fn merges_posts(&self) -> bool {
        self.settings.merge_posts
    }

    pub(crate) fn max_body(&self) -> Option<u64> {
        self.settings.max_body
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("link", &self.link)
            .field("prefix", &self.prefix.as_str())
            .field("deadline", &self.deadline)
            .field("at", &self.fixed)
            .finish_non_exhaustive()
    }
}

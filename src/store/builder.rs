//! The settings of a store.
//!
//! Guards that a setting is checked where it is given, so that a store in hand is one that can work.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use redis::aio::ConnectionLike;

use super::{Clock, Kind, Settings, Store};
use crate::error::{Error, Result};
use crate::keys::Prefix;
use crate::link::{Deployment, Limits, Link};
use crate::time::Timestamp;
use crate::wake::Wakes;

/// The settings of a [`Store`]; each has a value that is meant to be good as it is.
///
/// ```no_run
/// use std::time::Duration;
/// use marconi_redis::Store;
///
/// # async fn example() -> marconi_redis::Result<()> {
/// let store = Store::builder()
///     .client("checkout-7")?
///     .deadline(Duration::from_secs(2))
///     .create_queues(false)
///     .connect("redis://127.0.0.1")
///     .await?;
/// # Ok(()) }
/// ```
#[must_use = "settings do nothing until they connect"]
#[non_exhaustive]
pub struct Builder {
    limits: Limits,
    prefix: Prefix,
    client: Option<String>,
    create_queues: bool,
    max_body: Option<u64>,
    merge_posts: bool,
    clock: Option<Box<Clock>>,
    keep_alive: Duration,
    wakes_by: Option<Deployment>,
}

impl Default for Builder {
    fn default() -> Self {
        Builder {
            limits: Limits::default(),
            prefix: Prefix::default(),
            client: None,
            create_queues: true,
            max_body: None,
            merge_posts: false,
            clock: None,
            keep_alive: Duration::from_secs(10),
            wakes_by: None,
        }
    }
}

impl Builder {
    /// What all keys begin with: `mq`, unless set. Installations with different prefixes share a
    /// server without seeing each other.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] but for 1 to 64 bytes without braces and control characters.
    pub fn prefix(mut self, prefix: &str) -> Result<Self> {
        self.prefix = Prefix::new(prefix)?;
        Ok(self)
    }

    /// How long an operation may take, from the call to its answer, with all repetitions: 5 s,
    /// unless set.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.limits.deadline = deadline;
        self
    }

    /// How many requests may be under way at once; more wait their turn, within their deadline:
    /// 1024, unless set. At least 1.
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.limits.in_flight = requests;
        self
    }

    /// How many writes may be under way at once that are [to be confirmed](Store::with_durability); more
    /// wait their turn, within their deadline: 64, unless set. At least 1. Each has a connection to the
    /// server of its own meanwhile.
    pub fn max_receipts(mut self, writes: usize) -> Self {
        self.limits.receipts = writes;
        self
    }

    /// The id that messages bear which this store posts; a listing can leave out one's own by it.
    /// A random UUID, unless set.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] above 256 bytes.
    pub fn client(mut self, client: impl Into<String>) -> Result<Self> {
        let client = client.into();
        if client.len() > 256 {
            return Err(Error::invalid("client", "wants up to 256 bytes"));
        }
        self.client = Some(client);
        Ok(self)
    }

    /// Whether a post to a queue that doesn't exist creates it: yes, unless set; otherwise such a
    /// post is refused as [`Error::QueueDoesNotExist`].
    pub fn create_queues(mut self, create: bool) -> Self {
        self.create_queues = create;
        self
    }

    /// How many bytes one body may have: 256 KiB, unless set; up to 256 MiB.
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.max_body = Some(bytes);
        self
    }

    /// Whether posts of one message that many tasks make at once share calls: no, unless set. What is
    /// posted through one [`Queue`](crate::Queue) handle and its clones, while a call of theirs is under
    /// way, goes out in the next one: up to 250 messages and 4 MiB. Nothing is held back by a timer: a
    /// post alone goes at once. So many posts take fewer calls, and far less of the server's time; a
    /// single one waits for up to one call before its own.
    ///
    /// ```
    /// let store = marconi_redis::Store::builder().merge_posts(true).open("redis://127.0.0.1")?;
    /// let orders = store.queue("shop", "orders")?;
    /// # async fn example(orders: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let (first, second) = tokio::join!(orders.post("an umbrella"), orders.post("a hat"));
    /// assert!(first?[0] < second?[0]);
    /// # Ok(()) }
    /// # Ok::<(), marconi_redis::Error>(())
    /// ```
    ///
    /// Each caller has an answer of their own: their message's id, or the refusal of that message alone;
    /// those that it went with are posted all the same. A lost answer is an error with
    /// [`Outcome::Unknown`](crate::Outcome::Unknown) for each. A future that is dropped before its
    /// message went out posts nothing, and disturbs no other. Posts with a token, posts of several
    /// messages and bodies over their bound go by themselves. Where a queue's metadata let posts have
    /// fewer bytes than are merged, calls are made again by halves: don't set it for such a queue.
    pub fn merge_posts(mut self, merge: bool) -> Self {
        self.merge_posts = merge;
        self
    }

    /// The time that operations go by, in place of the server's. All who work on one queue need the
    /// same clock.
    ///
    /// ```
    /// use std::time::SystemTime;
    ///
    /// let builder = marconi_redis::Store::builder().clock(|| SystemTime::now().into());
    /// ```
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }

    /// How often the line on which waiters are told is asked whether it still is there: every 10 s,
    /// unless set; it has as long to answer. So long a line can be dead without being noticed. At
    /// least 1 ms.
    pub fn keep_alive(mut self, every: Duration) -> Self {
        self.keep_alive = every.max(Duration::from_millis(1));
        self
    }

    /// Where waiters are told, in place of where operations go: what a store over the caller's own
    /// [connection](Self::over) or [pool](Self::pooled) needs before a claim or pop can wait. It has to
    /// be the same server, or a replica of it.
    ///
    /// ```no_run
    /// # async fn example(connection: marconi_redis::redis::aio::MultiplexedConnection) -> marconi_redis::Result<()> {
    /// let store = marconi_redis::Store::builder().wake_url("redis://127.0.0.1")?.over(connection);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a URL that is none.
    pub fn wake_url(mut self, url: &str) -> Result<Self> {
        self.wakes_by = Some(Deployment::open(url)?);
        Ok(self)
    }

    /// Connects to a server.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a URL that is none, [`Error::Transport`] where the server
    /// can't be reached or refuses.
    pub async fn connect(self, url: &str) -> Result<Store> {
        let store = self.open(url)?;
        store.link.connect().await?;
        Ok(store)
    }

    /// Connects when first needed, so that a program can start before its server.
    ///
    /// ```
    /// let store = marconi_redis::Store::builder().open("redis://127.0.0.1")?;
    /// # Ok::<(), marconi_redis::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a URL that is none.
    pub fn open(self, url: &str) -> Result<Store> {
        let deployment = Deployment::open(url)?;
        let link = Link::to(deployment.clone(), self.limits);
        Ok(self.on(link, Some(deployment)))
    }

    /// Works over a connection that the caller has; see [`Store::from_connection`].
    pub fn over<C>(self, connection: C) -> Store
    where
        C: ConnectionLike + Clone + Send + Sync + 'static,
    {
        let link = Link::over(connection, self.limits);
        self.on(link, None)
    }

    /// Works over the caller's pool; see [`Store::from_pool`].
    pub fn pooled<F, Fut, C, E>(self, lend: F) -> Store
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<C, E>> + Send + 'static,
        C: ConnectionLike + Send + 'static,
        E: fmt::Display,
    {
        let link = Link::pooled(lend, self.limits);
        self.on(link, None)
    }

    fn on(self, link: Link, deployment: Option<Deployment>) -> Store {
        let random = || uuid::Uuid::new_v4().to_string();
        let settings = Settings {
            client: self.client.unwrap_or_else(random),
            create_queues: self.create_queues,
            max_body: self.max_body,
            merge_posts: self.merge_posts,
            clock: self.clock,
        };
        Store {
            link,
            wakes: Wakes::new(self.wakes_by.or(deployment), self.keep_alive),
            deadline: self.limits.deadline,
            prefix: self.prefix,
            kind: Kind::Queue,
            fixed: None,
            neighbours: None,
            settings: settings.into(),
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("limits", &self.limits)
            .field("prefix", &self.prefix.as_str())
            .field("client", &self.client)
            .field("create_queues", &self.create_queues)
            .field("max_body", &self.max_body)
            .field("merge_posts", &self.merge_posts)
            .field("keep_alive", &self.keep_alive)
            .finish_non_exhaustive()
    }
}

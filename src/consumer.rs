//! Consumers: what a worker program runs all day.
//!
//! Guards that a message is worked on under a live claim only: claims are renewed while there is
//! work, and who works is told when one is lost.

mod backoff;
mod claiming;
mod delivery;
mod event;
mod pump;
mod run;
mod share;
mod shared;
mod stream;
mod tenure;

use std::fmt;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use backoff::Backoff;
pub use delivery::Delivery;
pub use event::{Consumed, Event, Failure};
pub use stream::Deliveries;

use crate::error::{Error, Result};
use crate::message::MOST;
use crate::queue::Queue;
use event::{Observer, Watch};
use shared::{Shared, Terms};

/// A length of time beyond what any clock has to hold.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// The shortest life of a claim: below, it would be renewed all the time.
const SHORTEST: Duration = Duration::from_millis(100);

type Until = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Works off a queue: claims ahead, renews, deletes what was handled and gives back what failed.
/// Made by [`Queue::consumer`]; started by [`run`](Self::run) or [`stream`](Self::stream).
///
/// ```no_run
/// # async fn example(queue: marconi_redis::Queue) -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use marconi_redis::{CancellationToken, Delivery};
///
/// async fn ship(delivery: Delivery) -> Result<(), String> {
///     let order: String = delivery.body().map_err(|error| error.to_string())?;
///     println!("{order}, claimed {} times", delivery.message().claims());
///     Ok(())
/// }
///
/// let stop = CancellationToken::new(); // `stop.cancel()`, from wherever
/// let consumed = queue
///     .consumer()
///     .concurrency(8)
///     .batch(20)
///     .handler_timeout(Duration::from_secs(60))
///     .on_event(|event| eprintln!("{event}"))
///     .until(stop.clone().cancelled_owned())
///     .run(ship)
///     .await?;
/// println!("{consumed:?}");
/// # Ok(()) }
/// ```
///
/// # What is claimed
/// Up to [`batch`](Self::batch) messages at a time, ahead of the work by
/// [`ahead`](Self::ahead) and [`ahead_bytes`](Self::ahead_bytes). It claims when nothing is left and
/// a handler is free, or when there is room for a whole batch, so that under load a claim is not
/// made for each message. Where the queue is empty it waits for messages.
///
/// # How long a claim lives
/// Each claim is renewed at half of its [`ttl`](Self::ttl), until all its messages are finished. It
/// is *lost* when a renewal is answered
/// [`ClaimDoesNotExist`](crate::Error::ClaimDoesNotExist), or when its time has passed without a
/// renewal that was answered. The time counts from the instant the claim or renewal was sent, by
/// this machine's clock, so that a consumer never believes longer in its claim than the server. Of
/// a lost claim nothing is started any more, [`Delivery::cancelled`] of what runs is ready, and the
/// outcome is told of as lost: the messages come again.
///
/// A handler that doesn't look at `cancelled` can run beside the next worker's. Only a
/// [fence](Delivery::fence) closes that gap: the program can be stopped between any two lines. On
/// Linux that clock stands still while the machine sleeps.
#[must_use = "nothing is consumed until it runs"]
pub struct Consumer {
    queue: Queue,
    concurrency: usize,
    drain: Duration,
    ahead: Option<usize>,
    terms: Terms,
    observer: Option<Observer>,
    until: Until,
}

impl Queue {
    /// A consumer of this queue, to be set and run. See [`Consumer`].
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let consumer = queue.consumer().concurrency(4);
    /// # Ok(()) }
    /// ```
    pub fn consumer(&self) -> Consumer {
        Consumer {
            queue: self.clone(),
            concurrency: 1,
            drain: Duration::from_secs(30),
            ahead: None,
            terms: Terms {
                batch: 10,
                ahead: 0,
                ahead_bytes: 8 << 20,
                ttl: Duration::from_secs(60),
                grace: Duration::from_secs(60),
                worker: String::new(),
                wait: Duration::ZERO,
                backoff: Backoff::default(),
                handler_timeout: None,
            },
            observer: None,
            until: Box::pin(pending()),
        }
    }
}

impl Consumer {
    /// How many handlers run at once: 1, unless set; at least 1.
    pub fn concurrency(mut self, handlers: usize) -> Self {
        self.concurrency = handlers;
        self
    }

    /// At most so many messages in one claim: 10, unless set; 1 to 250.
    pub fn batch(mut self, messages: usize) -> Self {
        self.terms.batch = messages;
        self
    }

    /// How many messages may be claimed and not yet started, beyond what handlers work on: as many
    /// as a batch, unless set. With 0, messages are claimed for free handlers only.
    ///
    /// What is claimed ahead waits for this worker while others may be idle, so set 0 where handlers
    /// take long.
    pub fn ahead(mut self, messages: usize) -> Self {
        self.ahead = Some(messages);
        self
    }

    /// How many bytes of bodies may be claimed and not yet started before nothing more is claimed
    /// ahead: 8 MiB, unless set. A claim can bring 4 MiB, so as much can come on top.
    pub fn ahead_bytes(mut self, bytes: usize) -> Self {
        self.terms.ahead_bytes = bytes;
        self
    }

    /// How long a claim lives after its last renewal: 60 s, unless set; 100 ms to 10 years. So long
    /// others wait for the messages of a worker that crashed.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.terms.ttl = ttl;
        self
    }

    /// How much longer than the claim its messages live at least: 60 s, unless set; 0 to 10 years.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.terms.grace = grace;
        self
    }

    /// The worker's name, to be shown with its claims: up to 256 bytes without control characters.
    pub fn worker(mut self, worker: impl Into<String>) -> Self {
        self.terms.worker = worker.into();
        self
    }

    /// How long a message that failed stays unseen; see [`Backoff`]. Never longer than half of what
    /// is left of its ttl, so that it comes again before it expires.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.terms.backoff = backoff;
        self
    }

    /// How long a handler may take: for ever, unless set. Then it is cancelled and aborted at its
    /// next `.await`, and has failed. What it runs by `spawn_blocking` goes on.
    pub fn handler_timeout(mut self, limit: Duration) -> Self {
        self.terms.handler_timeout = Some(limit);
        self
    }

    /// How long handlers may go on after the shutdown: 30 s, unless set.
    pub fn drain(mut self, limit: Duration) -> Self {
        self.drain = limit;
        self
    }

    /// When to shut down: when this future is ready, whatever it answers. Never, unless set.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) {
    /// let consumer = queue.consumer().until(tokio::signal::ctrl_c());
    /// # }
    /// ```
    pub fn until<F>(mut self, enough: F) -> Self
    where
        F: Future + Send + 'static,
    {
        self.until = Box::pin(async move {
            enough.await;
        });
        self
    }

    /// Tells of everything that happens, to be logged and counted. It is called between the work, so
    /// it should be quick. One that panics is called again all the same.
    pub fn on_event(mut self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Checks what the server can't.
    fn start(mut self) -> Result<(Arc<Shared>, Until)> {
        self.refuse_bad_settings()
            .map_err(|error| error.within(self.queue.path(), None))?;
        self.terms.ahead = self.ahead.unwrap_or(self.terms.batch);
        // A claim that had to wait for less than half of its ttl needs no renewal before its
        // messages are started.
        let wait = (self.terms.ttl / 4).max(Duration::from_secs(1));
        self.terms.wait = wait.min(Duration::from_secs(30));
        let watch = Watch::new(self.observer);
        let shared = Shared::new(self.queue, self.terms, watch);
        Ok((Arc::new(shared), self.until))
    }

    fn refuse_bad_settings(&self) -> Result<()> {
        if self.concurrency == 0 {
            return Err(Error::invalid("concurrency", "wants at least 1"));
        }
        if !(1..=MOST).contains(&self.terms.batch) {
            return Err(Error::invalid("batch", format!("wants 1 to {MOST}")));
        }
        if self.terms.ttl < SHORTEST {
            let detail = format!("wants at least {SHORTEST:?} in a consumer");
            return Err(Error::invalid("ttl", detail));
        }
        Ok(())
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("queue", self.queue.path())
            .field("concurrency", &self.concurrency)
            .field("drain", &self.drain)
            .field("terms", &self.terms)
            .finish_non_exhaustive()
    }
}

//! Subscribing.
//!
//! Guards that a repeat makes no second subscription, whoever makes it.

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use serde::Serialize;

use super::SubscriptionId;
use crate::Pending;
use crate::error::{Error, Result};
use crate::metadata::Metadata;
use crate::operation::Operation;
use crate::queue::Queue;
use crate::reply::Fields;
use crate::script::SUBSCRIPTION_CREATE;
use crate::time::millis;

/// How long a subscription lives that says nothing else.
const HOUR: Duration = Duration::from_secs(3600);

/// A subscription that is to be made; `.await` it. A subscriber has one in a queue: while it lives,
/// another call answers that one, and changes nothing of it.
///
/// A new one is not confirmed. A lost answer is asked for again, and then a subscription that this very
/// call made can be called not new.
///
/// # Dropping the future
/// Leaves it made, or not; the same call, made again, tells which.
///
/// # Errors
/// [`InvalidArgument`](Error::InvalidArgument) for a subscriber of more than 4096 bytes
/// or with control characters, for a ttl out of its bounds and for options that are no map;
/// [`Codec`](Error::Codec) where these can't be serialised;
/// [`TooLarge`](Error::TooLarge) for options above 256 KiB, and for more than 10,000
/// subscriptions in a queue; [`Transport`](Error::Transport) with the code `OOM` where the
/// server is full. No error shows the subscriber.
#[must_use = "nobody is subscribed until it is awaited"]
#[non_exhaustive]
pub struct Subscribe {
    queue: Queue,
    subscriber: String,
    ttl: Duration,
    /// What can't be taken is told of when awaited.
    options: Result<Metadata>,
}

/// What came of subscribing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subscribed {
    /// The subscription, new or not.
    pub id: SubscriptionId,
    /// Whether this call made it.
    pub is_new: bool,
}

impl Subscribe {
    pub(super) fn new(queue: &Queue, subscriber: &str) -> Self {
        Subscribe {
            queue: queue.clone(),
            subscriber: subscriber.to_owned(),
            ttl: HOUR,
            options: Ok(Metadata::new()),
        }
    }

    /// How long it lives: an hour, unless set; 1 ms to 10 years.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// A map for whoever delivers: any serde value that is one. Empty, unless set.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// use std::collections::BTreeMap;
    ///
    /// let options = BTreeMap::from([("from", "shop@example.org")]);
    /// queue.subscribe("mailto:orders@example.org").options(&options).await?;
    /// # Ok(()) }
    /// ```
    pub fn options<T: Serialize + ?Sized>(mut self, options: &T) -> Self {
        self.options = Metadata::of_options(options);
        self
    }

    async fn run(self) -> Result<Subscribed> {
        let path = self.queue.path();
        let options = self.options.map_err(|error| error.within(path, None))?;
        let of = Operation::begin(self.queue.store());
        let call = of
            .timed(&SUBSCRIPTION_CREATE, self.queue.keys())
            .arg(&self.subscriber)
            .arg(millis(self.ttl))
            .arg(options.to_bin());
        let reply = of.call(call).await?;
        let read = || {
            let mut fields = Fields::of(reply)?;
            let is_new = fields.number()? == 1;
            let id = fields.parsed()?;
            Ok(Subscribed { id, is_new })
        };
        read().map_err(|error: Error| error.within(path, None))
    }
}

impl IntoFuture for Subscribe {
    type Output = Result<Subscribed>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Without the subscriber, which may have a password in it.
impl fmt::Debug for Subscribe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscribe")
            .field("queue", &self.queue)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

//! Who is to be told of a queue's messages: subscriptions, each with a ttl of its own.
//!
//! Guards that a queue has a subscriber once, and that a subscription is gone at its deadline, for
//! everyone and without anybody clearing it away.

mod id;
mod list;
mod subscribe;
mod update;

use std::fmt;
use std::time::Duration;

pub use id::SubscriptionId;
pub use list::{ListSubscriptions, SubscriptionPage};
pub use subscribe::{Subscribe, Subscribed};
pub use update::UpdateSubscription;

use redis::Value;

use crate::error::{Error, Result};
use crate::link::Call;
use crate::metadata::Metadata;
use crate::operation::Operation;
use crate::queue::Queue;
use crate::reply::{Fields, done, number};
use crate::script::{SUBSCRIPTION_CONFIRM, SUBSCRIPTION_DELETE, SUBSCRIPTION_GET};

/// A subscription, as it was when it was asked for.
///
/// This crate keeps subscriptions and tells nobody: what delivers to the subscribers reads them here.
/// They live with or without their queue: neither purge nor delete takes them.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subscription {
    /// Its id, which stays while everything else changes.
    pub id: SubscriptionId,
    /// Whom to tell: a uri, as it was given. It may have a password in it.
    pub subscriber: String,
    /// How long it lives, counted from when that was set last.
    pub ttl: Duration,
    /// How long ago it was made.
    pub age: Duration,
    /// How much of its life is left.
    pub left: Duration,
    /// Whether the subscriber has confirmed.
    pub confirmed: bool,
    /// A map for whoever delivers, as it came. Nothing here goes by it, and no name in it is reserved.
    pub options: Metadata,
}

/// Subscriptions. They need no queue, and none is created.
impl Queue {
    /// Subscribes somebody to this queue. See [`Subscribe`].
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// use std::time::Duration;
    ///
    /// let day = Duration::from_secs(24 * 3600);
    /// let subscribed = queue.subscribe("https://shop.example/hook").ttl(day).await?;
    /// println!("{}, new: {}", subscribed.id, subscribed.is_new);
    /// # Ok(()) }
    /// ```
    pub fn subscribe(&self, subscriber: &str) -> Subscribe {
        Subscribe::new(self, subscriber)
    }

    /// Lists the subscriptions, oldest first. See [`ListSubscriptions`].
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let mut page = queue.subscriptions().limit(100).await?;
    /// while let Some(marker) = page.marker {
    ///     page = queue.subscriptions().limit(100).marker(marker).await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn subscriptions(&self) -> ListSubscriptions {
        ListSubscriptions::new(self)
    }

    /// A subscription by its id.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let subscription = queue.subscription("1700000000000-0".parse()?).await?;
    /// println!("{:?} left", subscription.left);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`SubscriptionDoesNotExist`](Error::SubscriptionDoesNotExist) for one that was deleted, has
    /// expired, or never was.
    pub async fn subscription(&self, id: SubscriptionId) -> Result<Subscription> {
        let of = Operation::begin(self.store());
        let call = of.timed(&SUBSCRIPTION_GET, self.keys()).arg(id.to_string());
        self.one(&of, call.arg("")).await
    }

    /// The subscription that a subscriber has here, if there is one.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let known = queue.subscription_of("https://shop.example/hook").await?;
    /// println!("confirmed: {}", known.is_some_and(|known| known.confirmed));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`InvalidArgument`](Error::InvalidArgument) for an empty subscriber.
    pub async fn subscription_of(&self, subscriber: &str) -> Result<Option<Subscription>> {
        let of = Operation::begin(self.store());
        let call = of.timed(&SUBSCRIPTION_GET, self.keys());
        match self.one(&of, call.arg("").arg(subscriber)).await {
            Err(Error::SubscriptionDoesNotExist { .. }) => Ok(None),
            found => found.map(Some),
        }
    }

    /// Changes what is given of a subscription, and nothing else. See [`UpdateSubscription`].
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// use std::time::Duration;
    ///
    /// let id = "1700000000000-0".parse()?;
    /// queue.update_subscription(id).ttl(Duration::from_secs(3600)).await?;
    /// # Ok(()) }
    /// ```
    pub fn update_subscription(&self, id: SubscriptionId) -> UpdateSubscription {
        UpdateSubscription::new(self, id)
    }

    /// Notes that the subscriber has confirmed, or that it has not. Its life is not changed by it.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// queue.confirm_subscription("1700000000000-0".parse()?, true).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Repeated only while it is known not to have been done, since another's word could have come
    /// between; a lost answer is an error with [`Outcome::Unknown`](crate::Outcome::Unknown).
    ///
    /// # Errors
    /// [`SubscriptionDoesNotExist`](Error::SubscriptionDoesNotExist);
    /// [`Transport`](Error::Transport) with the code `OOM` where the server is full.
    pub async fn confirm_subscription(&self, id: SubscriptionId, confirmed: bool) -> Result<()> {
        let of = Operation::begin(self.store());
        let call = of.timed(&SUBSCRIPTION_CONFIRM, self.keys());
        let call = call.arg(id.to_string()).arg(flag(confirmed));
        let reply = of.call(call).await?;
        done(reply).map_err(|error| error.within(self.path(), None))
    }

    /// Deletes a subscription; answers whether it was there. Its id never comes again, so a lost
    /// answer is asked for again; then it can be called gone by this very call.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let was_there = queue.delete_subscription("1700000000000-0".parse()?).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Dropping the future
    /// Leaves it deleted, or not; the same call, made again, is safe.
    ///
    /// # Errors
    /// None of its own; see [`Queue`](Queue#errors).
    pub async fn delete_subscription(&self, id: SubscriptionId) -> Result<bool> {
        let of = Operation::begin(self.store());
        let call = of.timed(&SUBSCRIPTION_DELETE, self.keys());
        let deleted = of.call(call.arg(id.to_string())).await?;
        let deleted = number(deleted).map_err(|error| error.within(self.path(), None))?;
        Ok(deleted == 1)
    }

    async fn one(&self, of: &Operation, call: Call) -> Result<Subscription> {
        let reply = of.call(call).await?;
        let read = |reply: Value| Subscription::read(&mut Fields::of(reply)?, Reading::Strictly);
        read(reply).map_err(|error| error.within(self.path(), None))
    }
}

/// What is done about options that are no map.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Strictly,
    /// They show as empty, so that one subscription hides no other.
    Leniently,
}

impl Subscription {
    fn read(fields: &mut Fields, reading: Reading) -> Result<Self> {
        let id = fields.parsed()?;
        // No text of one careless client may make the list unreadable.
        let subscriber = String::from_utf8_lossy(&fields.bytes()?).into_owned();
        let (ttl, age, left) = (fields.number()?, fields.number()?, fields.number()?);
        let confirmed = fields.number()? == 1;
        let options = Metadata::from_server(&fields.bytes()?, Vec::new());
        let options = match reading {
            Reading::Strictly => options?,
            Reading::Leniently => options.unwrap_or_default(),
        };
        Ok(Subscription {
            id,
            subscriber,
            ttl: Duration::from_millis(ttl),
            age: Duration::from_millis(age),
            left: Duration::from_millis(left),
            confirmed,
            options,
        })
    }
}

/// Without the subscriber, which may have a password in it.
impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("id", &self.id)
            .field("ttl", &self.ttl)
            .field("age", &self.age)
            .field("left", &self.left)
            .field("confirmed", &self.confirmed)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

fn flag(set: bool) -> &'static str {
    if set { "1" } else { "" }
}

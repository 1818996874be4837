//! Changing a subscription.
//!
//! Guards that only what is given is changed, all of it or nothing.

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
use crate::reply::done;
use crate::script::SUBSCRIPTION_UPDATE;
use crate::time::millis;

/// A change of a subscription; `.await` it. What is not given stays, whether the subscriber has
/// confirmed included: where a new one has to confirm anew, say so with
/// [`confirm_subscription`](Queue::confirm_subscription).
///
/// Repeated only while it is known not to have been done, since another's change could have come
/// between; a lost answer is an error with [`Outcome::Unknown`](crate::Outcome::Unknown).
///
/// # Dropping the future
/// Leaves all of the change done, or nothing.
///
/// # Errors
/// [`InvalidArgument`](Error::InvalidArgument) where nothing is given, and as for
/// [`Subscribe`](super::Subscribe); [`SubscriptionDoesNotExist`](Error::SubscriptionDoesNotExist);
/// [`SubscriptionAlreadyExists`](Error::SubscriptionAlreadyExists) where the new subscriber has one of
/// its own here, which is named; [`TooLarge`](Error::TooLarge) for options above 256 KiB.
#[must_use = "nothing is changed until it is awaited"]
#[non_exhaustive]
pub struct UpdateSubscription {
    queue: Queue,
    id: SubscriptionId,
    subscriber: Option<String>,
    ttl: Option<Duration>,
    options: Option<Result<Metadata>>,
}

impl UpdateSubscription {
    pub(super) fn new(queue: &Queue, id: SubscriptionId) -> Self {
        UpdateSubscription {
            queue: queue.clone(),
            id,
            subscriber: None,
            ttl: None,
            options: None,
        }
    }

    /// Another subscriber in place of the one it has.
    pub fn subscriber(mut self, subscriber: &str) -> Self {
        self.subscriber = Some(subscriber.to_owned());
        self
    }

    /// How long it lives, counted from now: 1 ms to 10 years.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Another map, in place of the one it has: any serde value that is one.
    pub fn options<T: Serialize + ?Sized>(mut self, options: &T) -> Self {
        self.options = Some(Metadata::of_options(options));
        self
    }

    async fn run(self) -> Result<()> {
        let path = self.queue.path();
        let options = self.options.transpose();
        let options = options.map_err(|error| error.within(path, None))?;
        if self.subscriber.is_none() && self.ttl.is_none() && options.is_none() {
            let wanted = "wants one at least: subscriber, ttl or options";
            return Err(Error::invalid("field", wanted).within(path, None));
        }
        let of = Operation::begin(self.queue.store());
        let call = of.timed(&SUBSCRIPTION_UPDATE, self.queue.keys());
        let mut call = call.arg(self.id.to_string());
        if let Some(subscriber) = &self.subscriber {
            call = call.arg("subscriber").arg(subscriber);
        }
        if let Some(ttl) = self.ttl {
            call = call.arg("ttl").arg(millis(ttl));
        }
        if let Some(options) = options {
            call = call.arg("options").arg(options.to_bin());
        }
        let reply = of.call(call).await?;
        done(reply).map_err(|error| error.within(path, None))
    }
}

impl IntoFuture for UpdateSubscription {
    type Output = Result<()>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Without the subscriber, which may have a password in it.
impl fmt::Debug for UpdateSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpdateSubscription")
            .field("queue", &self.queue)
            .field("id", &self.id)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

//! Who is to be told of a topic's messages.
//!
//! Guards that a topic's subscriptions are its own: they stand beside its messages, and no queue has them.

use super::Topic;
use crate::error::Result;
use crate::subscription::{
    ListSubscriptions, Subscribe, Subscription, SubscriptionId, UpdateSubscription,
};

/// Subscriptions, as [queues](crate::Queue) have them.
impl Topic {
    /// Subscribes somebody to this topic. See [`Subscribe`].
    ///
    /// ```no_run
    /// # async fn example(topic: marconi_redis::Topic) -> marconi_redis::Result<()> {
    /// topic.subscribe("mailto:press@example.org").await?;
    /// # Ok(()) }
    /// ```
    pub fn subscribe(&self, subscriber: &str) -> Subscribe {
        self.queue.subscribe(subscriber)
    }

    /// Lists the subscriptions, oldest first. See [`ListSubscriptions`].
    pub fn subscriptions(&self) -> ListSubscriptions {
        self.queue.subscriptions()
    }

    /// As [`Queue::subscription`](crate::Queue::subscription).
    ///
    /// # Errors
    /// [`SubscriptionDoesNotExist`](crate::Error::SubscriptionDoesNotExist).
    pub async fn subscription(&self, id: SubscriptionId) -> Result<Subscription> {
        self.queue.subscription(id).await
    }

    /// As [`Queue::subscription_of`](crate::Queue::subscription_of).
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for an empty subscriber.
    pub async fn subscription_of(&self, subscriber: &str) -> Result<Option<Subscription>> {
        self.queue.subscription_of(subscriber).await
    }

    /// As [`Queue::update_subscription`](crate::Queue::update_subscription).
    pub fn update_subscription(&self, id: SubscriptionId) -> UpdateSubscription {
        self.queue.update_subscription(id)
    }

    /// As [`Queue::confirm_subscription`](crate::Queue::confirm_subscription).
    ///
    /// # Errors
    /// [`SubscriptionDoesNotExist`](crate::Error::SubscriptionDoesNotExist).
    pub async fn confirm_subscription(&self, id: SubscriptionId, confirmed: bool) -> Result<()> {
        self.queue.confirm_subscription(id, confirmed).await
    }

    /// As [`Queue::delete_subscription`](crate::Queue::delete_subscription).
    ///
    /// # Errors
    /// None of its own; see [`Topic`](Topic#errors).
    pub async fn delete_subscription(&self, id: SubscriptionId) -> Result<bool> {
        self.queue.delete_subscription(id).await
    }
}

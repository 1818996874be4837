//! Listing subscriptions.
//!
//! Guards that a page is short only at the end, or where it is 4 MiB, however many have expired.

use std::future::IntoFuture;

use super::{Reading, Subscription, SubscriptionId};
use crate::Pending;
use crate::error::{Error, Result};
use crate::operation::Operation;
use crate::queue::Queue;
use crate::reply::Fields;
use crate::script::SUBSCRIPTION_LIST;

/// What `subscription/list` says where the page is to be filled by another call.
const GOES_ON: u64 = 1;

/// What it says at the end.
const AT_END: u64 = 0;

/// A listing of a queue's subscriptions, oldest first; `.await` it.
///
/// # Errors
/// [`InvalidArgument`](crate::Error::InvalidArgument) for a limit out of its bounds.
#[must_use = "a listing does nothing until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ListSubscriptions {
    queue: Queue,
    marker: Option<SubscriptionId>,
    limit: usize,
}

/// Some subscriptions, and where the next ones begin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriptionPage {
    /// Oldest first. Options that can't be read show as empty here;
    /// [`Queue::subscription`] says what is wrong with them.
    pub subscriptions: Vec<Subscription>,
    /// Where the next page begins; `None` at the end.
    pub marker: Option<SubscriptionId>,
}

impl ListSubscriptions {
    pub(super) fn new(queue: &Queue) -> Self {
        ListSubscriptions {
            queue: queue.clone(),
            marker: None,
            limit: 10,
        }
    }

    /// Begin after this subscription, whether it is still there or not.
    pub fn marker(mut self, marker: SubscriptionId) -> Self {
        self.marker = Some(marker);
        self
    }

    /// At most so many: 10, unless set; 1 to 250. Fewer come at the end, or where they fill 4 MiB.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    async fn run(self) -> Result<SubscriptionPage> {
        let queue = &self.queue;
        let of = Operation::begin(queue.store());
        let mut marker = self.marker;
        let mut subscriptions = Vec::new();
        loop {
            let call = of
                .timed(&SUBSCRIPTION_LIST, queue.keys())
                .arg(marker.map_or_else(String::new, |id| id.to_string()))
                .arg(self.limit - subscriptions.len());
            let reply = of.call(call).await?;
            let read = || -> Result<u64> {
                let mut fields = Fields::of(reply)?;
                let state = fields.number()?;
                marker = fields.parsed_unless_empty()?;
                while !fields.are_all_read() {
                    subscriptions.push(Subscription::read(&mut fields, Reading::Leniently)?);
                }
                Ok(state)
            };
            let state = read().map_err(|error: Error| error.within(queue.path(), None))?;
            if state != GOES_ON || subscriptions.len() >= self.limit {
                let marker = marker.filter(|_| state != AT_END);
                return Ok(SubscriptionPage {
                    subscriptions,
                    marker,
                });
            }
        }
    }
}

impl IntoFuture for ListSubscriptions {
    type Output = Result<SubscriptionPage>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

//! Listing the topics of a project.
//!
//! Guards that it lists topics alone, by the rules by which queues are listed.

use std::future::IntoFuture;

use serde::Serialize;

use crate::Pending;
use crate::error::Result;
use crate::keys::{ProjectName, QueueName};
use crate::store::{QueueEntry, Queues, Store};

/// A listing of a project's topics, in name order; `.await` it.
///
/// # Errors
/// [`InvalidArgument`](crate::Error::InvalidArgument) for a limit out of its bounds, and for a value
/// to look for that can't be serialised.
#[must_use = "a listing does nothing until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Topics(Queues);

/// Some topics, and where the next ones begin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicPage {
    /// In name order.
    pub topics: Vec<QueueEntry>,
    /// Where the next page begins; `None` at the end.
    pub marker: Option<QueueName>,
}

impl Topics {
    pub(super) fn new(store: Store, project: ProjectName) -> Self {
        Topics(Queues::new(store, project))
    }

    /// Begin after this name, listed or not.
    pub fn marker(self, marker: QueueName) -> Self {
        Topics(self.0.marker(marker))
    }

    /// At most so many: 10, unless set; 1 to 250.
    pub fn limit(self, limit: usize) -> Self {
        Topics(self.0.limit(limit))
    }

    /// Only topics with this in their name.
    pub fn name_contains(self, part: &str) -> Self {
        Topics(self.0.name_contains(part))
    }

    /// Only topics whose metadata have this name with this value. Values are compared by what they
    /// mean. Given more than once, all have to be there.
    pub fn metadata_is<T: Serialize + ?Sized>(self, name: &str, value: &T) -> Self {
        Topics(self.0.metadata_is(name, value))
    }

    /// With each topic's metadata.
    pub fn with_metadata(self) -> Self {
        Topics(self.0.with_metadata())
    }

    /// How many topics the listing has in all, from its marker on.
    ///
    /// # Errors
    /// As of the listing.
    pub async fn count(self) -> Result<u64> {
        self.0.count().await
    }
}

impl IntoFuture for Topics {
    type Output = Result<TopicPage>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let page = self.0.await?;
            Ok(TopicPage {
                topics: page.queues,
                marker: page.marker,
            })
        })
    }
}

//! Listing the queues of a project.
//!
//! Guards that what is listed is there: each name is verified, and one whose queue is gone is passed
//! over and taken out. A page is filled however many names are passed over.

use std::future::IntoFuture;

use serde::Serialize;

use super::{Names, Store};
use crate::Pending;
use crate::error::{Error, Result};
use crate::keys::{ProjectName, QueueKeys, QueueName, QueuePath};
use crate::link::Reply;
use crate::metadata::{self, Metadata};
use crate::operation::{Operation, value};
use crate::queue::Description;
use crate::reply::number;
use crate::script::{QUEUE_EXISTS, QUEUE_GET};

/// How many names are looked at in one round trip where most may be passed over.
const CHUNK: usize = 250;

/// A listing of a project's queues, in name order; `.await` it.
#[must_use = "a listing does nothing until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Queues {
    store: Store,
    project: ProjectName,
    marker: Option<QueueName>,
    limit: usize,
    part: String,
    wanted: Result<Vec<(String, Vec<u8>)>, String>,
    with_metadata: bool,
}

/// Some queues, and where the next ones begin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuePage {
    /// In name order.
    pub queues: Vec<QueueEntry>,
    /// Where the next page begins; `None` at the end.
    pub marker: Option<QueueName>,
}

/// One queue of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueEntry {
    /// Its name.
    pub name: QueueName,
    /// Its metadata, where the listing was asked for it. A map that can't be read shows as empty
    /// here; [`Queue::metadata`](crate::Queue::metadata) says what is wrong with it.
    pub metadata: Option<Metadata>,
}

impl Queues {
    pub(crate) fn new(store: Store, project: ProjectName) -> Self {
        Queues {
            store,
            project,
            marker: None,
            limit: 10,
            part: String::new(),
            wanted: Ok(Vec::new()),
            with_metadata: false,
        }
    }

    /// Begin after this name, listed or not.
    pub fn marker(mut self, marker: QueueName) -> Self {
        self.marker = Some(marker);
        self
    }

    /// At most so many: 10, unless set; 1 to 250.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Only queues with this in their name.
    pub fn name_contains(mut self, part: &str) -> Self {
        self.part = part.to_owned();
        self
    }

    /// Only queues whose metadata have this name with this value. Values are compared by what they
    /// mean, however they are written. Given more than once, all have to be there.
    pub fn metadata_is<T: Serialize + ?Sized>(mut self, name: &str, value: &T) -> Self {
        if let Ok(wanted) = &mut self.wanted {
            match metadata::encode(value) {
                Ok(value) => wanted.push((name.to_owned(), value)),
                Err(error) => self.wanted = Err(error.to_string()),
            }
        }
        self
    }

    /// With each queue's metadata.
    pub fn with_metadata(mut self) -> Self {
        self.with_metadata = true;
        self
    }

    /// How many queues the listing has in all, from its marker on.
    ///
    /// # Errors
    /// As of the listing.
    pub async fn count(mut self) -> Result<u64> {
        self.limit = CHUNK;
        let mut count = 0;
        loop {
            let page = self.clone().run().await?;
            count += page.queues.len() as u64;
            match page.marker {
                None => return Ok(count),
                marker => self.marker = marker,
            }
        }
    }

    async fn run(self) -> Result<QueuePage> {
        let limit = bounded(self.limit)?;
        if let Err(why) = &self.wanted {
            return Err(Error::invalid("metadata", why.clone()));
        }
        let operation = Operation::begin(&self.store);
        let names = Names::of(&operation);
        let filtered = !self.part.is_empty() || !self.wanted()?.is_empty();
        let (mut queues, mut after) = (Vec::new(), self.marker.clone());
        loop {
            let count = if filtered {
                CHUNK
            } else {
                limit - queues.len()
            };
            let found = names.page(&self.project, after.as_ref(), count).await?;
            let Some(last) = found.last() else {
                let marker = None;
                return Ok(QueuePage { queues, marker });
            };
            after = Some(last.clone());
            for entry in self.looked_up(&operation, found).await? {
                let marker = Some(entry.name.clone());
                queues.push(entry);
                if queues.len() == limit {
                    return Ok(QueuePage { queues, marker });
                }
            }
        }
    }

    /// Those of these names that are there and are wanted, in their order. The names of those that are
    /// gone are taken out.
    pub(crate) async fn looked_up(
        &self,
        of: &Operation,
        mut names: Vec<QueueName>,
    ) -> Result<Vec<QueueEntry>> {
        names.retain(|name| name.as_str().contains(&self.part));
        let with_metadata = self.with_metadata || !self.wanted()?.is_empty();
        let script = if with_metadata {
            &QUEUE_GET
        } else {
            &QUEUE_EXISTS
        };
        let path = |name: &QueueName| QueuePath::from_names(self.project.clone(), name.clone());
        let keys = |name| QueueKeys::new(&of.prefix, path(name));
        let calls: Vec<_> = names
            .iter()
            .map(|name| of.script(script, &keys(name)))
            .collect();
        let replies = of.calls(&calls).await;

        let (mut entries, mut gone) = (Vec::new(), Vec::new());
        for (name, reply) in names.into_iter().zip(replies) {
            match self.entry(&name, reply)? {
                Found::Entry(entry) => entries.push(entry),
                Found::Other => {}
                Found::Gone => gone.push(path(&name)),
            }
        }
        if !gone.is_empty() {
            Names::of(of).leave(&self.project, &gone).await?;
        }
        Ok(entries)
    }

    fn entry(&self, name: &QueueName, reply: Result<Reply>) -> Result<Found> {
        let reads_metadata = self.with_metadata || !self.wanted()?.is_empty();
        let metadata = match reply.and_then(value) {
            Ok(reply) if reads_metadata => Some(Description::read_leniently(reply)?.metadata),
            Ok(reply) => match number(reply)? {
                0 => return Ok(Found::Gone),
                _ => None,
            },
            Err(Error::QueueDoesNotExist { .. }) => return Ok(Found::Gone),
            Err(error @ Error::Transport { .. }) => return Err(error),
            // One queue that can't be read, of a later version for one, hides no other.
            Err(_) => None,
        };
        let wanted = self.wanted()?;
        if !wanted.is_empty() && !metadata.as_ref().is_some_and(|m| m.has(wanted)) {
            return Ok(Found::Other);
        }
        Ok(Found::Entry(QueueEntry {
            name: name.clone(),
            metadata: metadata.filter(|_| self.with_metadata),
        }))
    }

    fn wanted(&self) -> Result<&[(String, Vec<u8>)]> {
        match &self.wanted {
            Ok(wanted) => Ok(wanted),
            Err(why) => Err(Error::invalid("metadata", why.clone())),
        }
    }
}

enum Found {
    Entry(QueueEntry),
    /// It is there, but not what is looked for.
    Other,
    Gone,
}

impl IntoFuture for Queues {
    type Output = Result<QueuePage>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// The limit of a listing of names.
pub(super) fn bounded(limit: usize) -> Result<usize> {
    match limit {
        1..=CHUNK => Ok(limit),
        _ => Err(Error::invalid("limit", "wants 1 to 250")),
    }
}

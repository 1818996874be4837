//! How many messages there are in all.
//!
//! Guards that one queue that can't be read hides no other.

use crate::error::{Error, Result};
use crate::keys::{ProjectName, QueueKeys, QueueName, QueuePath};
use crate::link::Reply;
use crate::operation::Operation;
use crate::queue::Stats;
use crate::reply::Fields;
use crate::script::QUEUE_STATS;
use crate::store::{Names, Store};

/// How many names are looked at in one round trip.
const PAGE: usize = 250;

/// The messages of all queues of all projects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Volume {
    /// How many queues were counted.
    pub queues: u64,
    /// How many could not be: a later version wrote them, or something else did.
    pub unreadable: u64,
    /// Claimable messages.
    pub free: u64,
    /// Messages under a live claim.
    pub claimed: u64,
    /// Messages that are not to be seen yet.
    pub delayed: u64,
    /// All of these.
    pub total: u64,
}

impl Store {
    /// How many messages the queues of all projects have; topics are not counted. Each queue is counted
    /// at a moment of its own, exactly.
    ///
    /// The cost grows with the number of queues: 250 are asked in a round trip, each project in one at
    /// least, and a queue where much has lapsed or expired is swept first. The deadline is for each
    /// round trip, and for each such queue.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// let volume = store.volume().await?;
    /// println!("{} messages in {} queues", volume.total, volume.queues);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Transport`](Error::Transport).
    pub async fn volume(&self) -> Result<Volume> {
        let mut volume = Volume::default();
        let mut after: Option<ProjectName> = None;
        loop {
            let of = Operation::begin(self);
            let projects = Names::of(&of).project_page(after.as_ref(), PAGE).await?;
            for project in &projects {
                self.add_project(project, &mut volume).await?;
            }
            match projects.last() {
                Some(last) => after = Some(last.clone()),
                None => return Ok(volume),
            }
        }
    }

    async fn add_project(&self, project: &ProjectName, volume: &mut Volume) -> Result<()> {
        let mut after: Option<QueueName> = None;
        loop {
            let of = Operation::begin(self);
            let names = Names::of(&of).page(project, after.as_ref(), PAGE).await?;
            let Some(last) = names.last() else {
                return Ok(());
            };
            after = Some(last.clone());
            let path = |name| QueuePath::from_names(project.clone(), name);
            let keys = |name| QueueKeys::new(&of.prefix, path(name));
            let keys: Vec<_> = names.into_iter().map(keys).collect();
            let calls: Vec<_> = keys.iter().map(|k| of.timed(&QUEUE_STATS, k)).collect();
            let replies = of.calls(&calls).await;
            for (keys, reply) in keys.into_iter().zip(replies) {
                let stats = match reply {
                    Ok(Reply::Value(value)) => Fields::of(value).and_then(Stats::read),
                    Ok(Reply::More { .. }) => self.queue_at(keys.path().clone()).stats().await,
                    Err(error) => Err(error),
                };
                volume.add(stats)?;
            }
        }
    }
}

impl Volume {
    fn add(&mut self, stats: Result<Stats>) -> Result<()> {
        match stats {
            Ok(stats) => {
                self.queues += 1;
                self.free += stats.free;
                self.claimed += stats.claimed;
                self.delayed += stats.delayed;
                self.total += stats.total;
            }
            // A name without a queue; whoever lists sees to that.
            Err(Error::QueueDoesNotExist { .. }) => {}
            Err(error @ Error::Transport { .. }) => return Err(error),
            Err(_) => self.unreadable += 1,
        }
        Ok(())
    }
}

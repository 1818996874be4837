//! Housekeeping over a whole project, which operations do by themselves where it is in their way.
//!
//! Guards that it holds up nobody: each step is bounded, and each queue has the deadline and no more.

use crate::error::Result;
use crate::keys::{ProjectName, QueuePath};
use crate::operation::{Account, Operation};
use crate::store::{Names, Store};

/// What a collection came by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Collected {
    /// How many queues and topics were looked at.
    pub queues: u64,
    /// In how many of them something is left to do, since their time was over.
    pub unfinished: u64,
}

impl Store {
    /// Frees the memory of what has expired in the queues and topics of a project, ends what has
    /// lapsed, and carries dead letters that wait. Operations do so as far as it is in their way, so no
    /// answer depends on it; this is for memory, and for queues that nobody calls any more.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// let collected = store.gc("shop").await?;
    /// println!("{} queues, {} to go on with", collected.queues, collected.unfinished);
    /// # Ok(()) }
    /// ```
    ///
    /// The deadline is for each queue. Traffic goes on beside it.
    ///
    /// # Dropping the future
    /// Leaves the rest to the next one.
    ///
    /// # Errors
    /// The first one that occurs, after all other queues were seen to. Where something was done in
    /// some of them, its outcome is [`Unknown`](crate::Outcome::Unknown); a refusal is that of one queue.
    pub async fn gc(&self, project: &str) -> Result<Collected> {
        let project = ProjectName::new(project)?;
        let (mut collected, mut account) = (Collected::default(), Account::default());
        self.collect(&project, &mut collected, &mut account).await;
        // A prefix that is too long for topics has none.
        if let Ok(topics) = self.of_topics() {
            topics.collect(&project, &mut collected, &mut account).await;
        }
        account.close(collected)
    }

    /// The same of all projects.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// while store.gc_all().await?.unfinished > 0 {}
    /// # Ok(()) }
    /// ```
    ///
    /// # Dropping the future
    /// Leaves the rest to the next one.
    ///
    /// # Errors
    /// As of [`gc`](Self::gc).
    pub async fn gc_all(&self) -> Result<Collected> {
        let (mut collected, mut account) = (Collected::default(), Account::default());
        // Topics have a list of projects of their own.
        for store in std::iter::once(self.clone()).chain(self.of_topics().ok()) {
            let mut after: Option<ProjectName> = None;
            loop {
                let of = Operation::begin(&store);
                let projects = Names::of(&of).project_page(after.as_ref(), 250).await;
                let projects = account.look(projects).unwrap_or_default();
                for project in &projects {
                    store.collect(project, &mut collected, &mut account).await;
                }
                match projects.last() {
                    Some(last) => after = Some(last.clone()),
                    None => break,
                }
            }
        }
        account.close(collected)
    }

    async fn collect(
        &self,
        project: &ProjectName,
        collected: &mut Collected,
        account: &mut Account,
    ) {
        let mut after = None;
        loop {
            let of = Operation::begin(self);
            let names = Names::of(&of).page(project, after.as_ref(), 250).await;
            let names = account.look(names).unwrap_or_default();
            let Some(last) = names.last() else { return };
            after = Some(last.clone());
            for name in names {
                let path = QueuePath::from_names(project.clone(), name);
                let is_done = self.queue_at(path).collect(account).await;
                collected.queues += 1;
                collected.unfinished += u64::from(!is_done);
            }
        }
    }
}

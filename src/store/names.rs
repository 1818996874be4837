//! The names of queues and projects, for listing: two sorted sets, in slots of their own.
//!
//! Guards that no queue is without a name, whoever crashes between. A name is entered before its
//! queue is made and once more after it, and taken out after its queue is gone; who takes it out
//! looks for the queue once more. So at worst a name outlives its queue, and whoever lists sees that.

use redis::Value;

use crate::error::{Error, Result};
use crate::keys::{ProjectName, QueueKeys, QueueName, QueuePath};
use crate::link::{Call, Reply};
use crate::operation::{Operation, no_reply, value};
use crate::reply::{Fields, number};
use crate::script::{DEAD_TRANSIT, QUEUE_EXISTS};

pub(crate) struct Names<'a>(&'a Operation);

impl<'a> Names<'a> {
    pub(crate) fn of(operation: &'a Operation) -> Self {
        Names(operation)
    }

    /// Enters a name. The queue first and then the project, so that who takes out a project that
    /// seems empty sees the queue when looking once more.
    pub(crate) async fn enter(&self, path: &QueuePath) -> Result<()> {
        let queues = self.0.prefix.queues_of(path.project());
        self.command("ZADD", &queues, &["0", path.name().as_str()])
            .await?;
        let projects = self.0.prefix.projects();
        self.command("ZADD", &projects, &["0", path.project().as_str()])
            .await?;
        Ok(())
    }

    /// Takes those names out whose queue is gone and has no letters in transit: a name with letters
    /// stays, so that they are found and carried. All of one project.
    pub(crate) async fn leave(&self, project: &ProjectName, paths: &[QueuePath]) -> Result<()> {
        let gone = self.gone(paths).await?;
        if gone.is_empty() {
            return Ok(());
        }
        let queues = self.0.prefix.queues_of(project);
        let names: Vec<_> = gone.iter().map(|path| path.name().as_str()).collect();
        self.command("ZREM", &queues, &names).await?;
        // Made again meanwhile: whoever made it may have entered the name before it was taken out.
        let still_gone = self.gone(&gone).await?;
        for path in gone.iter().filter(|path| !still_gone.contains(path)) {
            self.enter(path).await?;
        }
        self.leave_project(project).await
    }

    /// Takes a project out that has no names any more.
    pub(crate) async fn leave_project(&self, project: &ProjectName) -> Result<()> {
        let (queues, projects) = (self.0.prefix.queues_of(project), self.0.prefix.projects());
        if number(self.command("ZCARD", &queues, &[]).await?)? > 0 {
            return Ok(());
        }
        self.command("ZREM", &projects, &[project.as_str()]).await?;
        if number(self.command("ZCARD", &queues, &[]).await?)? > 0 {
            self.command("ZADD", &projects, &["0", project.as_str()])
                .await?;
        }
        Ok(())
    }

    /// Up to `count` names that follow `after`, whether their queues are there or not.
    pub(crate) async fn page(
        &self,
        project: &ProjectName,
        after: Option<&QueueName>,
        count: usize,
    ) -> Result<Vec<QueueName>> {
        let key = self.0.prefix.queues_of(project);
        let names = self.range(&key, after.map(QueueName::as_str), count);
        // What is no name is not of this crate; it is passed over.
        Ok(names
            .await?
            .iter()
            .filter_map(|name| name.parse().ok())
            .collect())
    }

    /// The same of projects.
    pub(crate) async fn project_page(
        &self,
        after: Option<&ProjectName>,
        count: usize,
    ) -> Result<Vec<ProjectName>> {
        let key = self.0.prefix.projects();
        let names = self.range(&key, after.map(ProjectName::as_str), count);
        Ok(names
            .await?
            .iter()
            .filter_map(|name| name.parse().ok())
            .collect())
    }

    async fn range(&self, key: &str, after: Option<&str>, count: usize) -> Result<Vec<String>> {
        let from = after.map_or_else(|| "-".to_owned(), |name| format!("({name}"));
        let limit = count.to_string();
        let arguments = [from.as_str(), "+", "LIMIT", "0", &limit];
        let mut fields = Fields::of(self.command("ZRANGEBYLEX", key, &arguments).await?)?;
        let mut names: Vec<String> = Vec::new();
        while !fields.are_all_read() {
            let name = fields.text()?;
            // Or who goes from page to page would go round and round.
            if names.last().map(String::as_str).or(after) >= Some(&*name) {
                return Err(Error::corrupt("names that are not in their order"));
            }
            names.push(name);
        }
        Ok(names)
    }

    /// Those whose queue is gone, and that have no letters in transit either.
    async fn gone(&self, paths: &[QueuePath]) -> Result<Vec<QueuePath>> {
        let mut calls = Vec::new();
        for path in paths {
            let keys = QueueKeys::new(&self.0.prefix, path.clone());
            calls.push(self.0.script(&QUEUE_EXISTS, &keys));
            calls.push(self.0.script(&DEAD_TRANSIT, &keys).arg("").arg(1));
        }
        let mut replies = self.0.calls(&calls).await.into_iter();
        let mut gone = Vec::new();
        for path in paths {
            let (Some(exists), Some(letters)) = (replies.next(), replies.next()) else {
                return Err(no_reply());
            };
            if is_gone(exists)? && has_no_letters(letters)? {
                gone.push(path.clone());
            }
        }
        Ok(gone)
    }

    async fn command(&self, name: &'static str, key: &str, arguments: &[&str]) -> Result<Value> {
        let call = Call::on_key(name, key).arg(arguments);
        // A name that comes back after its queue is gone is seen to by whoever lists; one that is lost
        // would hide its queue.
        let call = match name {
            "ZADD" => call.owing_a_receipt(),
            _ => call,
        };
        self.0.call(call).await
    }
}

/// A refusal is no proof that a queue is gone: one of a later version refuses too.
fn is_gone(exists: Result<Reply>) -> Result<bool> {
    match exists.and_then(value) {
        Ok(exists) => Ok(number(exists)? == 0),
        Err(error @ Error::Transport { .. }) => Err(error),
        Err(_) => Ok(false),
    }
}

fn has_no_letters(letters: Result<Reply>) -> Result<bool> {
    match letters.and_then(value) {
        Ok(letters) => Ok(Fields::of(letters)?.are_all_read()),
        Err(error @ Error::Transport { .. }) => Err(error),
        Err(_) => Ok(false),
    }
}

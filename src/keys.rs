//! Where a queue lives on the server: `mq:{project/queue}:part`.
//!
//! Guards that two queues never share a key and that all keys of a queue share a hash slot,
//! whatever their names are. [`names`](ProjectName) are checked when made, and what could end the
//! hash tag or move its slash is percent-encoded here and nowhere else.

mod control;
mod name;
mod part;
mod tag;

use std::fmt;
use std::sync::Arc;

pub use control::ControlKeys;
pub use name::{ProjectName, QueueName};
pub use part::Part;

use crate::error::{Error, Result};

/// A queue's full name: its project and its own.
///
/// ```
/// use marconi_redis::keys::QueuePath;
///
/// let path = QueuePath::new("shop", "orders/eu")?;
/// assert_eq!(path.tag(), "shop/orders%2Feu");
/// assert_eq!(QueuePath::from_tag("shop/orders%2Feu")?, path);
/// # Ok::<(), marconi_redis::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueuePath {
    project: ProjectName,
    name: QueueName,
}

impl QueuePath {
    /// Checks both names.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a project above 256 bytes, a queue name of 0 or above 256
    /// bytes, and control characters in either.
    pub fn new(project: &str, name: &str) -> Result<Self> {
        Ok(Self::from_names(
            ProjectName::new(project)?,
            QueueName::new(name)?,
        ))
    }

    /// Of names that are checked already.
    pub fn from_names(project: ProjectName, name: QueueName) -> Self {
        QueuePath { project, name }
    }

    /// The project.
    pub fn project(&self) -> &ProjectName {
        &self.project
    }

    /// The queue's own name.
    pub fn name(&self) -> &QueueName {
        &self.name
    }

    /// What stands between the braces of the queue's keys.
    pub fn tag(&self) -> String {
        tag::join(self.project.as_str(), self.name.as_str())
    }

    /// The queue whose [`tag`](Self::tag) this is.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for anything that `tag` does not make, so that two tags never name one
    /// queue.
    pub fn from_tag(tag: &str) -> Result<Self> {
        let not_a_tag = || Error::corrupt(format!("{tag:?} is not the tag of a queue"));
        let (project, name) = tag::split(tag).ok_or_else(not_a_tag)?;
        Self::new(&project, &name).map_err(|_| not_a_tag())
    }
}

impl fmt::Display for QueuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "queue {:?}", self.name.as_str())?;
        if !self.project.as_str().is_empty() {
            write!(f, " of project {:?}", self.project.as_str())?;
        }
        Ok(())
    }
}

/// What all keys of one installation begin with: `mq`, unless set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Prefix(Arc<str>);

impl Prefix {
    /// 1 to 64 bytes, without control characters.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], for braces too: the first pair in a key decides its hash slot,
    /// and that has to be the queue's.
    pub fn new(prefix: &str) -> Result<Self> {
        if prefix.is_empty() || prefix.len() > 64 {
            return Err(Error::invalid("prefix", "wants 1 to 64 bytes"));
        }
        if prefix
            .chars()
            .any(|c| c.is_control() || c == '{' || c == '}')
        {
            return Err(Error::invalid(
                "prefix",
                "wants neither braces nor control characters",
            ));
        }
        Ok(Prefix(prefix.into()))
    }

    /// What the keys of topics begin with: this prefix and `.topics`.
    ///
    /// ```
    /// use marconi_redis::keys::Prefix;
    ///
    /// assert_eq!(Prefix::default().of_topics()?.as_str(), "mq.topics");
    /// # Ok::<(), marconi_redis::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a prefix above 57 bytes: with `.topics` it has 64 at most, too.
    pub fn of_topics(&self) -> Result<Self> {
        Self::new(&format!("{self}.topics"))
            .map_err(|_| Error::invalid("prefix", "wants 57 bytes at most where topics are used"))
    }

    /// As it stands in keys.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names of a project's queues: a sorted set in name order, all scores 0.
    pub fn queues_of(&self, project: &ProjectName) -> String {
        format!("{self}:{{{}}}:queues", tag::join(project.as_str(), ""))
    }

    /// The names of all projects: a sorted set in name order, all scores 0.
    pub fn projects(&self) -> String {
        format!("{self}:projects")
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Prefix("mq".into())
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The keys of one queue.
///
/// ```
/// use marconi_redis::keys::{Part, Prefix, QueueKeys, QueuePath};
///
/// let keys = QueueKeys::new(&Prefix::default(), QueuePath::new("shop", "orders")?);
/// assert_eq!(keys.key(Part::Log), "mq:{shop/orders}:log");
/// # Ok::<(), marconi_redis::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QueueKeys {
    path: QueuePath,
    /// Up to the last colon; made once, since every call needs it for each of its keys.
    stem: Arc<str>,
}

impl QueueKeys {
    /// The keys of this queue under this prefix.
    pub fn new(prefix: &Prefix, path: QueuePath) -> Self {
        let stem = format!("{prefix}:{{{}}}:", path.tag()).into();
        QueueKeys { path, stem }
    }

    /// The queue.
    pub fn path(&self) -> &QueuePath {
        &self.path
    }

    /// The key of one part.
    pub fn key(&self, part: Part) -> String {
        self.key_of(part).concat()
    }

    /// The queue and part that a key of this prefix belongs to; `None` for any other key.
    pub fn parse(prefix: &Prefix, key: &str) -> Option<(QueuePath, Part)> {
        let rest = key.strip_prefix(prefix.as_str())?.strip_prefix(":{")?;
        let (tag, part) = rest.split_once("}:")?;
        Some((QueuePath::from_tag(tag).ok()?, part.parse().ok()?))
    }
}

/// A project as it stands in tags, before the slash.
pub(crate) fn tag_of_project(project: &ProjectName) -> String {
    let mut tag = tag::join(project.as_str(), "");
    tag.pop();
    tag
}

/// What the keys of a call belong to.
pub(crate) trait Owner {
    /// The key of one part, in two pieces: a call has up to a dozen, and joins them where they are sent.
    fn key_of(&self, part: Part) -> [&str; 2];

    /// The queue, where it is one.
    fn queue(&self) -> Option<&QueuePath>;
}

impl Owner for QueueKeys {
    fn key_of(&self, part: Part) -> [&str; 2] {
        [&self.stem, part.as_str()]
    }

    fn queue(&self) -> Option<&QueuePath> {
        Some(self.path())
    }
}

impl Owner for ControlKeys {
    fn key_of(&self, part: Part) -> [&str; 2] {
        self.pieces(part)
    }

    fn queue(&self) -> Option<&QueuePath> {
        None
    }
}

#[cfg(test)]
mod tests;

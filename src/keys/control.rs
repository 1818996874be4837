//! Where the control plane lives on the server: `mq:{control}:part`.
//!
//! Guards that it meets no queue: the tag of a queue always has a slash, and this one has none.

use std::sync::Arc;

use super::{Part, Prefix};

/// The keys of the control plane.
///
/// ```
/// use marconi_redis::keys::{ControlKeys, Part, Prefix};
///
/// assert_eq!(ControlKeys::new(&Prefix::default()).key(Part::Pools), "mq:{control}:pools");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ControlKeys {
    /// Up to the last colon.
    stem: Arc<str>,
    of_topics: bool,
}

impl ControlKeys {
    /// The keys under this prefix.
    pub fn new(prefix: &Prefix) -> Self {
        let stem = format!("{prefix}:{{control}}:").into();
        let of_topics = false;
        ControlKeys { stem, of_topics }
    }

    /// The same with the topics' catalogue in place of the queues', for the scripts
    /// `control/catalogue/…`, which work on either.
    ///
    /// ```
    /// use marconi_redis::keys::{ControlKeys, Part, Prefix};
    ///
    /// let keys = ControlKeys::new(&Prefix::default()).of_topics();
    /// assert_eq!(keys.key(Part::Catalogue), "mq:{control}:topic_catalogue");
    /// assert_eq!(keys.key(Part::Pools), "mq:{control}:pools");
    /// ```
    pub fn of_topics(&self) -> Self {
        ControlKeys {
            of_topics: true,
            ..self.clone()
        }
    }

    /// The key of one part, of [`Part::CONTROL`].
    pub fn key(&self, part: Part) -> String {
        self.pieces(part).concat()
    }

    pub(super) fn pieces(&self, part: Part) -> [&str; 2] {
        let part = match part {
            Part::Catalogue if self.of_topics => Part::TopicCatalogue,
            Part::CatalogueNames if self.of_topics => Part::TopicCatalogueNames,
            part => part,
        };
        [&self.stem, part.as_str()]
    }
}

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
}

impl ControlKeys {
    /// The keys under this prefix.
    pub fn new(prefix: &Prefix) -> Self {
        let stem = format!("{prefix}:{{control}}:").into();
        ControlKeys { stem }
    }

    /// The key of one part, of [`Part::CONTROL`].
    pub fn key(&self, part: Part) -> String {
        [&self.stem, part.as_str()].concat()
    }
}

//! The ids of subscriptions.
//!
//! Guards the order: ids compare as their subscriptions are listed.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::message::MessageId;

/// A subscription's id: `ms-seq`, where `ms` is the time at which it was made, in ms since 1970. Never
/// used twice in a queue.
///
/// ```
/// use marconi_redis::SubscriptionId;
///
/// let id: SubscriptionId = "1700000000000-1".parse()?;
/// assert_eq!(id.to_string(), "1700000000000-1");
/// assert!("https://shop.example".parse::<SubscriptionId>().is_err());
/// # Ok::<(), marconi_redis::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(MessageId);

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Takes an id as the server writes it, and nothing else.
impl FromStr for SubscriptionId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let id = text.parse().map(SubscriptionId);
        id.map_err(|_| Error::invalid("id", "wants a subscription id: two numbers with a dash"))
    }
}

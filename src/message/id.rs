//! The ids of messages.
//!
//! Guards the order: ids compare as their messages stand in the queue.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// A message's id: `ms-seq`, where `ms` is the time of its posting in ms since 1970.
///
/// Ids compare in the order of delivery. An id means nothing outside its queue, and is never used
/// twice in it.
///
/// ```
/// use marconi_redis::MessageId;
///
/// let early: MessageId = "1700000000000-2".parse()?;
/// let late: MessageId = "1700000000000-10".parse()?;
/// assert!(early < late);
/// assert_eq!(late.to_string(), "1700000000000-10");
/// assert!("1700000000000".parse::<MessageId>().is_err());
/// # Ok::<(), marconi_redis::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId {
    ms: u64,
    seq: u64,
}

impl MessageId {
    /// Bytes of the usual one: 13 digits, the dash, and some.
    pub(crate) const ROOM: usize = 20;

    /// When the message was posted.
    pub fn posted(self) -> crate::Timestamp {
        self.ms.into()
    }

    /// No id of this time comes after it.
    pub(crate) fn last_of(time: crate::Timestamp) -> Self {
        MessageId {
            ms: time.as_millis(),
            seq: u64::MAX,
        }
    }

    /// The same id, which a server gave as one after that marker: or who goes from page to page would
    /// go round and round.
    pub(crate) fn coming_after(self, marker: Option<MessageId>) -> Result<Self, Error> {
        match marker {
            Some(marker) if self <= marker => {
                Err(Error::corrupt("ids that are not in their order"))
            }
            _ => Ok(self),
        }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

/// Takes an id as the server writes it, and nothing else: no sign, no leading zero, no missing part.
/// What is refused is no id that a queue has ever given.
impl FromStr for MessageId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // A number has one way to be written: digits, and no zero before others.
        let number = |text: &str| {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            let is_short = text.len() == 1 || !text.starts_with('0');
            text.parse().ok().filter(|_| is_plain && is_short)
        };
        let id = text.split_once('-').and_then(|(ms, seq)| {
            Some(MessageId {
                ms: number(ms)?,
                seq: number(seq)?,
            })
        });
        id.ok_or_else(|| Error::invalid("id", "wants a message id: two numbers with a dash"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_queue_gives_is_an_id() {
        for text in [
            "", "-", "1", "1-", "-1", "01-0", "1-00", "+1-0", "1-0-0", "1- 0", "x-0",
        ] {
            assert!(text.parse::<MessageId>().is_err(), "{text:?}");
        }
        let id = id("0-18446744073709551615");
        assert_eq!(id.to_string(), "0-18446744073709551615");
    }

    #[test]
    fn what_does_not_come_after_its_marker_is_corrupt() {
        assert!(id("1-0").coming_after(None).is_ok());
        assert!(id("10-0").coming_after(Some(id("9-7"))).is_ok());
        for marker in ["1-0", "1-1", "2-0"] {
            let refused = id("1-0").coming_after(Some(id(marker)));
            assert_eq!(refused.expect_err(marker).word(), "CORRUPT");
        }
    }

    fn id(text: &str) -> MessageId {
        text.parse().expect("an id")
    }
}

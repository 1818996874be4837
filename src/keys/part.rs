//! The parts a queue is made of, each a key of its own.
//!
//! Guards the spelling: these words stand in keys, in the headers of the scripts and in the
//! manifest.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

macro_rules! parts {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// One part of a queue; its word is the last piece of the key.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Part {
            $($(#[$doc])* $variant,)*
        }

        impl Part {
            /// Every part.
            pub const ALL: &[Part] = &[$(Part::$variant,)*];

            /// The word in the key.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Part::$variant => $word,)*
                }
            }
        }
    };
}

parts! {
    /// Stream of the live messages, in their order.
    Log = "log",
    /// Hash: schema version, metadata, defaults and the scripts' own counters.
    Meta = "meta",
    /// Hash of what each claim holds and what each held message belongs to.
    Held = "held",
    /// Sorted set of claim ids by deadline.
    Claims = "claims",
    /// Sorted set of messages that came back and are claimable again.
    Returned = "returned",
    /// Sorted set of messages by when their delay ends.
    Delayed = "delayed",
    /// Sorted set by expiry of those messages that don't expire in log order.
    Expiry = "expiry",
    /// Hash of how often a message was claimed.
    Tries = "tries",
    /// Hash of the post and pop tokens in use.
    Tokens = "tokens",
    /// Hash of the tokens of the time before, on their way out.
    TokensBefore = "tokens_before",
    /// Stream of dead letters on their way to another queue.
    Outbox = "outbox",
    /// Stream of dead letters that stay here.
    Dead = "dead",
    /// Hash of the last dead letter taken from each other queue.
    Taken = "taken",
    /// Hash of what outlives the queue's deletion.
    Floor = "floor",
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Part {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        let part = Part::ALL.iter().find(|part| part.as_str() == word);
        part.copied()
            .ok_or_else(|| Error::invalid("part", "is no part of a queue"))
    }
}

//! The parts a queue is made of, each a key of its own.
//!
//! Guards the spelling: these words stand in keys, in the headers of the scripts and in the
//! manifest.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

macro_rules! parts {
    (
        queue { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }
        control { $($(#[$control_doc:meta])* $control:ident = $control_word:literal,)* }
    ) => {
        /// One part of a queue, or of the control plane; its word is the last piece of the key.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Part {
            $($(#[$doc])* $variant,)*
            $($(#[$control_doc])* $control,)*
        }

        impl Part {
            /// Every part of a queue.
            pub const ALL: &[Part] = &[$(Part::$variant,)*];

            /// Every part of the control plane.
            pub const CONTROL: &[Part] = &[$(Part::$control,)*];

            /// The word in the key.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Part::$variant => $word,)*
                    $(Part::$control => $control_word,)*
                }
            }
        }
    };
}

parts! {
    queue {
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
    /// Hash of subscriptions by id.
    Subscriptions = "subscriptions",
    /// Hash of subscription ids by subscriber.
    Subscribers = "subscribers",
    /// Sorted set of subscription ids in the order in which they were made.
    SubscriptionIds = "subscription_ids",
    /// Sorted set of subscription ids by expiry.
    SubscriptionExpiry = "subscription_expiry",
    }
    control {
    /// Hash: schema version of the control plane.
    State = "state",
    /// Hash of pools by name.
    Pools = "pools",
    /// Hash of how many queues and topics the catalogues have on each pool.
    PoolQueues = "pool_queues",
    /// Hash of flavors by project and name.
    Flavors = "flavors",
    /// Sorted set of the flavors' names.
    FlavorNames = "flavor_names",
    /// Hash of pools by project and queue.
    Catalogue = "catalogue",
    /// Sorted set of the catalogue's queues.
    CatalogueNames = "catalogue_names",
    /// Hash of pools by project and topic.
    TopicCatalogue = "topic_catalogue",
    /// Sorted set of the topics' catalogue's topics.
    TopicCatalogueNames = "topic_catalogue_names",
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Part {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        let all = Part::ALL.iter().chain(Part::CONTROL);
        let part = all.into_iter().find(|part| part.as_str() == word);
        part.copied()
            .ok_or_else(|| Error::invalid("part", "is no part of a queue or of the control plane"))
    }
}

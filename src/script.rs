//! The scripts that run on the server, compiled in from `lua/`.
//!
//! Guards that what this library sends is what stands in those files, byte for byte: the digest is
//! taken of the same text. A test holds this table, the scripts' headers and `lua/manifest.json` to
//! each other.

use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use crate::keys::Part;

/// One script: one operation, one atomic step.
pub struct Script {
    name: &'static str,
    source: &'static str,
    keys: &'static [Part],
    writes: bool,
    more: bool,
    repeat: Repeat,
    sha1: LazyLock<String>,
}

/// What a second call does where the answer to the first was lost. *Safe*: two have the effect of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repeat {
    /// Safe, always.
    Safe,
    /// Safe where the caller gives an argument.
    #[non_exhaustive]
    With {
        /// Its name.
        arg: &'static str,
        /// Its place in ARGV, from 1.
        at: usize,
        /// For how long after the first call; without it always.
        within: Option<Duration>,
    },
    /// Safe where the caller leaves out an argument.
    #[non_exhaustive]
    Without {
        /// Its name.
        arg: &'static str,
        /// Its place in ARGV, from 1.
        at: usize,
    },
    /// Not safe.
    Unsafe,
}

impl Script {
    /// Its name, as in the manifest: `claim`, `queue/stats`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its text.
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// The digest that `EVALSHA` takes: the SHA-1 of the text.
    pub fn sha1(&self) -> &str {
        &self.sha1
    }

    /// The parts of the queue that are its KEYS, in their order.
    pub fn keys(&self) -> &'static [Part] {
        self.keys
    }

    /// Whether it can write; one that can't may be sent to a replica.
    pub fn writes(&self) -> bool {
        self.writes
    }

    /// Whether it can answer MORE, without any effect: run `sweep`, then call it again.
    pub fn may_answer_more(&self) -> bool {
        self.more
    }

    /// What a repeat of its call does.
    pub fn repeat(&self) -> Repeat {
        self.repeat
    }

    /// The script of this name.
    pub fn by_name(name: &str) -> Option<&'static Script> {
        ALL.iter().copied().find(|script| script.name == name)
    }
}

#[cfg(test)]
impl Script {
    /// A script of a test's own, which may answer MORE.
    pub(crate) const fn for_test(
        name: &'static str,
        source: &'static str,
        keys: &'static [Part],
        sha1: fn() -> String,
    ) -> Self {
        let sha1 = LazyLock::new(sha1);
        Script {
            name,
            source,
            keys,
            writes: true,
            more: true,
            repeat: Repeat::Unsafe,
            sha1,
        }
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Script({} {})", self.name, self.sha1())
    }
}

/// One line a script: constant, name, KEYS, `reads` or `writes`, `more` where it can answer it; then its
/// header's REPEAT, with the place of the argument in ARGV, and the time in ms.
macro_rules! scripts {
    ($($id:ident $name:literal [$($part:ident)*] $effect:ident $($more:ident)?,
        $safe:ident $($when:ident $arg:ident $at:literal $(within $ms:literal)?)?;)*) => {
        $(
            #[doc = concat!("`lua/", $name, ".lua`")]
            pub static $id: Script = Script {
                name: $name,
                source: include_str!(concat!("../lua/", $name, ".lua")),
                keys: &[$(Part::$part),*],
                writes: scripts!(@ $effect),
                more: [$(scripts!(@ $more),)? false][0],
                repeat: scripts!(@ $safe $($when $arg $at $(within $ms)?)?),
                sha1: LazyLock::new(|| sha1_of($id.source)),
            };
        )*

        /// Every script, by name.
        pub static ALL: &[&Script] = &[$(&$id),*];
    };
    (@ reads) => { false };
    (@ writes) => { true };
    (@ more) => { true };
    (@ safe) => { Repeat::Safe };
    (@ unsafe) => { Repeat::Unsafe };
    (@ safe with $arg:ident $at:literal) => {
        Repeat::With { arg: stringify!($arg), at: $at, within: None }
    };
    (@ safe with $arg:ident $at:literal within $ms:literal) => {
        Repeat::With { arg: stringify!($arg), at: $at, within: Some(Duration::from_millis($ms)) }
    };
    (@ safe without $arg:ident $at:literal) => {
        Repeat::Without { arg: stringify!($arg), at: $at }
    };
}

pub(crate) fn sha1_of(source: &str) -> String {
    sha1_smol::Sha1::from(source).digest().to_string()
}

scripts! {
    CHECK "check" [Log Meta Held Claims Returned Delayed Expiry Tries] reads, safe;
    CLAIM "claim" [Log Meta Held Claims Returned Delayed Expiry Tries] writes more, safe;
    CLAIM_GET "claim_get" [Log Meta Held Claims Expiry Tries] reads, safe;
    CONTROL_CATALOGUE_DELETE "control/catalogue/delete" [State PoolQueues Catalogue CatalogueNames] writes, unsafe;
    CONTROL_CATALOGUE_GET "control/catalogue/get" [State Pools Catalogue] reads, safe;
    CONTROL_CATALOGUE_INSERT "control/catalogue/insert" [State PoolQueues Catalogue CatalogueNames] writes, unsafe;
    CONTROL_CATALOGUE_LIST "control/catalogue/list" [State Catalogue CatalogueNames] reads, safe;
    CONTROL_CATALOGUE_REGISTER "control/catalogue/register" [State Pools PoolQueues Flavors Catalogue CatalogueNames] writes, safe;
    CONTROL_CHECK "control/check" [State Pools PoolQueues Flavors FlavorNames Catalogue CatalogueNames TopicCatalogue TopicCatalogueNames] reads, safe;
    CONTROL_DROP "control/drop" [State Pools PoolQueues Flavors FlavorNames Catalogue CatalogueNames TopicCatalogue TopicCatalogueNames] writes, unsafe;
    CONTROL_FLAVOR_CREATE "control/flavor/create" [State Flavors FlavorNames] writes, unsafe;
    CONTROL_FLAVOR_DELETE "control/flavor/delete" [State Flavors FlavorNames] writes, unsafe;
    CONTROL_FLAVOR_GET "control/flavor/get" [State Flavors] reads, safe;
    CONTROL_FLAVOR_LIST "control/flavor/list" [State Flavors FlavorNames] reads, safe;
    CONTROL_FLAVOR_UPDATE "control/flavor/update" [State Flavors] writes, unsafe;
    CONTROL_POOL_CREATE "control/pool/create" [State Pools] writes, unsafe;
    CONTROL_POOL_DELETE "control/pool/delete" [State Pools PoolQueues] writes, unsafe;
    CONTROL_POOL_GET "control/pool/get" [State Pools PoolQueues] reads, safe;
    CONTROL_POOL_LIST "control/pool/list" [State Pools PoolQueues] reads, safe;
    CONTROL_POOL_UPDATE "control/pool/update" [State Pools] writes, unsafe;
    DEAD_DELIVER "dead/deliver" [Log Meta Delayed Expiry Taken] writes, safe;
    DEAD_GET "dead/get" [Meta Dead] reads, safe;
    DEAD_LIST "dead/list" [Meta Dead] reads, safe;
    DEAD_PURGE "dead/purge" [Meta Dead] writes, safe with id 1;
    DEAD_REDRIVE "dead/redrive" [Meta Outbox Dead] writes, safe;
    DEAD_SEND_BACK "dead/send_back" [Log Meta Held Returned Delayed Expiry Tries Outbox] writes more, safe;
    DEAD_SETTLE "dead/settle" [Meta Outbox] writes, safe;
    DEAD_TRANSIT "dead/transit" [Meta Outbox] reads, safe;
    DELETE "delete" [Log Meta Held Claims Returned Delayed Expiry Tries] writes, safe;
    FIRST "first" [Log Meta Held Claims Delayed Expiry Tries] reads, safe;
    GET "get" [Log Meta Held Claims Delayed Expiry Tries] reads, safe;
    LIST "list" [Log Meta Held Claims Returned Delayed Expiry Tries] reads, safe;
    NACK "nack" [Log Meta Held Claims Returned Delayed Expiry Tries Outbox Dead] writes, safe;
    POP "pop" [Log Meta Claims Returned Delayed Expiry Tries Tokens TokensBefore] writes more, safe with token 3 within 60000;
    POST "post" [Log Meta Delayed Expiry Tokens TokensBefore] writes, safe with token 3 within 60000;
    QUEUE_CREATE "queue/create" [Log Meta Outbox Taken Floor] writes more, safe without metadata 2;
    QUEUE_DELETE "queue/delete" [Log Meta Held Claims Returned Delayed Expiry Tries Outbox Dead Tokens TokensBefore Taken Floor] writes more, unsafe;
    QUEUE_EXISTS "queue/exists" [Meta] reads, safe;
    QUEUE_GET "queue/get" [Meta] reads, safe;
    QUEUE_PURGE "queue/purge" [Log Meta Held Claims Returned Delayed Expiry Tries] writes more, unsafe;
    QUEUE_SET "queue/set" [Meta] writes more, unsafe;
    QUEUE_STATS "queue/stats" [Log Meta Held Claims Delayed Outbox Dead] reads more, safe;
    RELEASE "release" [Log Meta Held Claims Returned Delayed Expiry Tries Outbox Dead] writes, safe;
    RENEW "renew" [Log Meta Held Claims Expiry] writes, safe;
    REPAIR "repair" [Log Meta Held Claims Returned Delayed Expiry Tries] writes, safe;
    SUBSCRIPTION_CONFIRM "subscription/confirm" [Subscriptions SubscriptionExpiry] writes, unsafe;
    SUBSCRIPTION_CREATE "subscription/create" [Subscriptions Subscribers SubscriptionIds SubscriptionExpiry] writes, safe;
    SUBSCRIPTION_DELETE "subscription/delete" [Subscriptions Subscribers SubscriptionIds SubscriptionExpiry] writes, safe;
    SUBSCRIPTION_GET "subscription/get" [Subscriptions Subscribers SubscriptionExpiry] reads, safe;
    SUBSCRIPTION_LIST "subscription/list" [Subscriptions SubscriptionIds SubscriptionExpiry] reads, safe;
    SUBSCRIPTION_UPDATE "subscription/update" [Subscriptions Subscribers SubscriptionIds SubscriptionExpiry] writes, unsafe;
    SWEEP "sweep" [Log Meta Held Claims Returned Delayed Expiry Tries Outbox Dead] writes, safe;
}

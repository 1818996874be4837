//! The scripts that run on the server, compiled in from `lua/`.
//!
//! Guards that what this library sends is what stands in those files, byte for byte: the digest is
//! taken of the same text. A test holds this table, the scripts' headers and `lua/manifest.json` to
//! each other.

use std::fmt;
use std::sync::LazyLock;

use crate::keys::Part;

/// One script: one operation, one atomic step.
pub struct Script {
    name: &'static str,
    source: &'static str,
    keys: &'static [Part],
    writes: bool,
    more: bool,
    sha1: LazyLock<String>,
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
            sha1,
        }
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Script({} {})", self.name, self.sha1())
    }
}

/// One line a script: constant, name, KEYS, `reads` or `writes`, and `more` where it can answer it.
macro_rules! scripts {
    ($($id:ident $name:literal [$($part:ident)*] $effect:ident $($more:ident)?;)*) => {
        $(
            #[doc = concat!("`lua/", $name, ".lua`")]
            pub static $id: Script = Script {
                name: $name,
                source: include_str!(concat!("../lua/", $name, ".lua")),
                keys: &[$(Part::$part),*],
                writes: scripts!(@ $effect),
                more: [$(scripts!(@ $more),)? false][0],
                sha1: LazyLock::new(|| sha1_of($id.source)),
            };
        )*

        /// Every script, by name.
        pub static ALL: &[&Script] = &[$(&$id),*];
    };
    (@ reads) => { false };
    (@ writes) => { true };
    (@ more) => { true };
}

pub(crate) fn sha1_of(source: &str) -> String {
    sha1_smol::Sha1::from(source).digest().to_string()
}

scripts! {
    CHECK "check" [Log Meta Held Claims Returned Delayed Expiry Tries] reads;
    CLAIM "claim" [Log Meta Held Claims Returned Delayed Expiry Tries] writes more;
    CLAIM_GET "claim_get" [Log Meta Held Claims Expiry Tries] reads;
    CONTROL_CATALOGUE_DELETE "control/catalogue/delete" [State PoolQueues Catalogue CatalogueNames] writes;
    CONTROL_CATALOGUE_GET "control/catalogue/get" [State Pools Catalogue] reads;
    CONTROL_CATALOGUE_INSERT "control/catalogue/insert" [State PoolQueues Catalogue CatalogueNames] writes;
    CONTROL_CATALOGUE_LIST "control/catalogue/list" [State Catalogue CatalogueNames] reads;
    CONTROL_CATALOGUE_REGISTER "control/catalogue/register" [State Pools PoolQueues Flavors Catalogue CatalogueNames] writes;
    CONTROL_CHECK "control/check" [State Pools PoolQueues Flavors FlavorNames Catalogue CatalogueNames TopicCatalogue TopicCatalogueNames] reads;
    CONTROL_DROP "control/drop" [State Pools PoolQueues Flavors FlavorNames Catalogue CatalogueNames TopicCatalogue TopicCatalogueNames] writes;
    CONTROL_FLAVOR_CREATE "control/flavor/create" [State Flavors FlavorNames] writes;
    CONTROL_FLAVOR_DELETE "control/flavor/delete" [State Flavors FlavorNames] writes;
    CONTROL_FLAVOR_GET "control/flavor/get" [State Flavors] reads;
    CONTROL_FLAVOR_LIST "control/flavor/list" [State Flavors FlavorNames] reads;
    CONTROL_FLAVOR_UPDATE "control/flavor/update" [State Flavors] writes;
    CONTROL_POOL_CREATE "control/pool/create" [State Pools] writes;
    CONTROL_POOL_DELETE "control/pool/delete" [State Pools PoolQueues] writes;
    CONTROL_POOL_GET "control/pool/get" [State Pools PoolQueues] reads;
    CONTROL_POOL_LIST "control/pool/list" [State Pools PoolQueues] reads;
    CONTROL_POOL_UPDATE "control/pool/update" [State Pools] writes;
    DEAD_DELIVER "dead/deliver" [Log Meta Delayed Expiry Taken] writes;
    DEAD_GET "dead/get" [Meta Dead] reads;
    DEAD_LIST "dead/list" [Meta Dead] reads;
    DEAD_PURGE "dead/purge" [Meta Dead] writes;
    DEAD_REDRIVE "dead/redrive" [Meta Outbox Dead] writes;
    DEAD_SEND_BACK "dead/send_back" [Log Meta Held Returned Delayed Expiry Tries Outbox] writes more;
    DEAD_SETTLE "dead/settle" [Meta Outbox] writes;
    DEAD_TRANSIT "dead/transit" [Meta Outbox] reads;
    DELETE "delete" [Log Meta Held Claims Returned Delayed Expiry Tries] writes;
    FIRST "first" [Log Meta Held Claims Delayed Expiry Tries] reads;
    GET "get" [Log Meta Held Claims Delayed Expiry Tries] reads;
    LIST "list" [Log Meta Held Claims Returned Delayed Expiry Tries] reads;
    NACK "nack" [Log Meta Held Claims Returned Delayed Expiry Tries Outbox Dead] writes;
    POP "pop" [Log Meta Claims Returned Delayed Expiry Tries Tokens TokensBefore] writes more;
    POST "post" [Log Meta Delayed Expiry Tokens TokensBefore] writes;
    QUEUE_CREATE "queue/create" [Log Meta Outbox Taken Floor] writes more;
    QUEUE_DELETE "queue/delete" [Log Meta Held Claims Returned Delayed Expiry Tries Outbox Dead Tokens TokensBefore Taken Floor] writes more;
    QUEUE_EXISTS "queue/exists" [Meta] reads;
    QUEUE_GET "queue/get" [Meta] reads;
    QUEUE_PURGE "queue/purge" [Log Meta Held Claims Returned Delayed Expiry Tries] writes more;
    QUEUE_SET "queue/set" [Meta] writes more;
    QUEUE_STATS "queue/stats" [Log Meta Held Claims Delayed Outbox Dead] reads more;
    RELEASE "release" [Log Meta Held Claims Returned Delayed Expiry Tries Outbox Dead] writes;
    RENEW "renew" [Log Meta Held Claims Expiry] writes;
    SUBSCRIPTION_CONFIRM "subscription/confirm" [Subscriptions SubscriptionExpiry] writes;
    SUBSCRIPTION_CREATE "subscription/create" [Subscriptions Subscribers SubscriptionIds SubscriptionExpiry] writes;
    SUBSCRIPTION_DELETE "subscription/delete" [Subscriptions Subscribers SubscriptionIds SubscriptionExpiry] writes;
    SUBSCRIPTION_GET "subscription/get" [Subscriptions Subscribers SubscriptionExpiry] reads;
    SUBSCRIPTION_LIST "subscription/list" [Subscriptions SubscriptionIds SubscriptionExpiry] reads;
    SUBSCRIPTION_UPDATE "subscription/update" [Subscriptions Subscribers SubscriptionIds SubscriptionExpiry] writes;
    SWEEP "sweep" [Log Meta Held Claims Returned Delayed Expiry Tries Outbox Dead] writes;
}

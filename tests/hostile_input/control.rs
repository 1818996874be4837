//! Pools, flavors, a catalogue and subscriptions, for the calls that want them.
//!
//! Guards that a good call of each script has something to find, and a bad one something to damage.

use marconi_redis::script::Script;
use redis::Value;

use super::rig::{METADATA, NOW, Rig};
use crate::words;

/// A subscriber that lives on when everything else is late.
pub const SUBSCRIBER: &str = "http://127.0.0.1/a";
const SHORT_LIVED: &str = "http://127.0.0.1/b";

impl Rig {
    /// A pool of no flavor that holds a queue and a topic, two of a flavor, the flavor, and two subscriptions.
    pub fn furnish_control(&mut self) {
        let pools = [("plain", ""), ("fast", "gold"), ("faster", "gold")];
        for (at, (name, flavor)) in pools.into_iter().enumerate() {
            // Of the loopback interface, where nobody listens.
            let uri = format!("redis://127.0.0.{}:1", at + 1);
            let args = words![name, "weight", 10, "uri", uri, "flavor", flavor];
            self.done("control/pool/create", args);
        }
        self.done("control/flavor/create", words!["p", "gold", METADATA]);
        let args = words!["p", "mapped", "", 0];
        self.done("control/catalogue/register", args.clone());
        let script = Script::by_name("control/catalogue/register").expect("a script");
        let keys = self.keys_of_topics(script);
        let registered = self.call_with(script, &keys, &args);
        registered.expect("a topic in the catalogue");
        for (subscriber, ttl) in [(SHORT_LIVED, 1000), (SUBSCRIBER, 100_000_000)] {
            let args = words![NOW, subscriber, ttl, METADATA];
            let reply = self.done("subscription/create", args);
            let Value::Array(values) = reply else {
                panic!("{reply:?} of subscription/create")
            };
            let id = redis::from_redis_value(values[1].clone()).expect("an id");
            self.ids.insert("subscription", id);
        }
    }
}

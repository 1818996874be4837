//! A control plane on a server that is full.
//!
//! Guards that what would take memory is refused whole, and that everything can be taken out.

use crate::args;
use crate::client::{Args, Client};
use crate::common;

const MAP: &[u8] = b"\xc4\x01\x80";

/// A server that is full, with two pools, a flavor and a queue on one of the pools.
fn full(server: &common::Server) -> Client {
    let mut client = Client::new(server);
    for name in ["a", "b"] {
        let uri = format!("redis://{name}");
        client.done("control/pool/create", args![name, "weight", 1, "uri", uri]);
    }
    client.done("control/flavor/create", args!["p", "gold", MAP]);
    client.done("control/catalogue/insert", args!["p", "on a", "a", ""]);
    let _: String = client.command(&["CONFIG", "SET", "maxmemory", "1"]);
    client
}

#[test]
fn what_takes_memory_is_refused_and_changes_nothing() {
    let server = common::Server::start(&["--maxmemory-policy", "noeviction"]);
    let mut client = full(&server);
    let before = client.digest();
    let calls: [(&str, Args); 9] = [
        (
            "control/pool/create",
            args!["c", "weight", 1, "uri", "redis://c"],
        ),
        (
            "control/pool/create",
            args!["a", "weight", 2, "uri", "redis://a"],
        ),
        ("control/pool/update", args!["a", "weight", 2]),
        ("control/flavor/create", args!["p", "silver", MAP]),
        (
            "control/flavor/update",
            args!["p", "gold", b"\xc4\x03\x81\x01\x02".as_slice()],
        ),
        ("control/catalogue/register", args!["p", "new", "", 1]),
        ("control/catalogue/insert", args!["p", "new", "a", ""]),
        ("control/catalogue/insert", args!["p", "on a", "b", ""]),
        ("control/catalogue/insert", args!["p", "on a", "b", "1"]),
    ];
    for (script, args) in calls {
        let outcome = client.call(script, &args);
        let word = outcome.as_ref().err().map(|(word, _)| word.as_str());
        assert_eq!(word, Some("OOM"), "{script}: {outcome:?}");
        assert_eq!(client.digest(), before, "{script} has changed something");
    }
}

#[test]
fn a_full_control_plane_can_be_read_and_emptied() {
    let server = common::Server::start(&["--maxmemory-policy", "noeviction"]);
    let mut client = full(&server);
    let known = client.done("control/catalogue/register", args!["p", "on a", "", 1]);
    assert_eq!(client.done("control/catalogue/get", args!["p", "on a"]), {
        let redis::Value::Array(values) = known else {
            panic!("{known:?} of register");
        };
        redis::Value::Array(values[1..].to_vec())
    });
    client.done("control/pool/list", args!["", 10, "", ""]);
    let one = redis::Value::Int(1);
    assert_eq!(
        client.done("control/catalogue/delete", args!["p", "on a", "a"]),
        one
    );
    assert_eq!(
        client.done("control/flavor/delete", args!["p", "gold"]),
        one
    );
    assert_eq!(client.done("control/pool/delete", args!["a"]), one);
    assert_eq!(client.done("control/drop", args!["pools"]), one);
    let keys: Vec<String> = client.command(&["KEYS", "*"]);
    assert_eq!(keys, ["mq:{control}:state"]);
}

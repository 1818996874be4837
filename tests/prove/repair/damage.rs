//! The kinds of damage, and what check has to say of each.
//!
//! Guards the contract's table of violations: a kind that is in it is tried here.

use marconi_redis::Queue;
use marconi_redis::keys::Part;
use redis::aio::MultiplexedConnection;

use super::targets::Keys;

#[derive(Debug)]
pub struct Damage {
    pub kind: &'static str,
    /// What check says it is about, where only one thing can be meant.
    pub about: Option<String>,
    /// A piece of what it says.
    pub sentence: &'static str,
}

/// What accuses much else, or hides it: kind, command (its first argument is the part), and a piece of the sentence.
pub const ALONE: &[(&str, &[&str], &str)] = &[
    (
        "a cursor that is no id",
        &["HSET", "meta", "cursor", "x"],
        "cursor is no id",
    ),
    ("no cursor", &["HDEL", "meta", "cursor"], "cursor is no id"),
    (
        "a cursor beyond the log",
        &["HSET", "meta", "cursor", "999999999999999-1"],
        "after the last id",
    ),
    (
        "a cursor at the beginning",
        &["HSET", "meta", "cursor", "0-0"],
        "after the cursor, and yet held",
    ),
    (
        "reaped beyond the log",
        &["HSET", "meta", "reaped", "999999999999999-1"],
        "is before `reaped`",
    ),
    (
        "reaped that is no id",
        &["HSET", "meta", "reaped", "x"],
        "reaped is no id",
    ),
    (
        "due far away",
        &["HSET", "meta", "due", "9000000000000"],
        "before `due`",
    ),
    ("no due", &["HDEL", "meta", "due"], "before `due`"),
    (
        "due that is no number",
        &["HSET", "meta", "due", "soon"],
        "due is no number",
    ),
    (
        "a fence that is no number",
        &["HSET", "meta", "fence", "x"],
        "fence is no number",
    ),
    (
        "a fence that went back",
        &["HSET", "meta", "fence", "1"],
        "fence above the last",
    ),
    (
        "no fence",
        &["HDEL", "meta", "fence"],
        "fence above the last",
    ),
    (
        "a base ttl that is no number",
        &["HSET", "meta", "base_ttl", "x"],
        "base_ttl is no number",
    ),
    (
        "no base ttl",
        &["HDEL", "meta", "base_ttl"],
        "a ttl of its own",
    ),
    (
        "another base ttl",
        &["HSET", "meta", "base_ttl", "77"],
        "a ttl of its own",
    ),
    ("no since", &["HDEL", "meta", "since"], "since is not there"),
    (
        "no schema",
        &["HDEL", "meta", "schema"],
        "stands without meta",
    ),
    ("no meta", &["DEL", "meta"], "stands without meta"),
    ("no held", &["DEL", "held"], "yet no record"),
    ("no claims", &["DEL", "claims"], "yet no deadline"),
    ("no returned", &["DEL", "returned"], "is in 0 of"),
    ("no delayed", &["DEL", "delayed"], "is in 0 of"),
    ("no expiry", &["DEL", "expiry"], "a ttl of its own"),
    (
        "no flag of returned",
        &["HDEL", "meta", "returned"],
        "meta says that none is",
    ),
];

pub async fn on_its_own(connection: &mut MultiplexedConnection, queue: &Queue, command: &[&str]) {
    let part: Part = command[1].parse().expect("a part");
    let mut keys = Keys {
        connection,
        keys: queue.keys(),
    };
    keys.run::<redis::Value>(command[0], part, &command[2..])
        .await;
}

//! The checker of the control plane.
//!
//! Guards against damage that no reply shows, and against false alarm.

use std::collections::BTreeSet;

use marconi_redis::keys::Part;
use redis::{Value, from_redis_value};

use crate::args;
use crate::client::{Args, Client};
use crate::common;
use crate::world::World;

const PARTS: [Part; 8] = [
    Part::Pools,
    Part::PoolQueues,
    Part::Flavors,
    Part::FlavorNames,
    Part::Catalogue,
    Part::CatalogueNames,
    Part::TopicCatalogue,
    Part::TopicCatalogueNames,
];

type Violations = BTreeSet<(Vec<u8>, String)>;

/// What one answer of the checker says: where to go on, and what is wrong.
fn read(reply: Value) -> (String, Violations) {
    let Value::Array(values) = reply else {
        panic!("{reply:?} of check");
    };
    let told = |value: &Value| from_redis_value(value.clone()).expect("a sentence");
    let about = |value: &Value| from_redis_value(value.clone()).expect("bytes");
    let violations = values[2..].chunks(2);
    let violations = violations.map(|pair| (about(&pair[0]), told(&pair[1])));
    (told(&values[0]), violations.collect())
}

/// All that the checker finds, page by page.
fn all(mut check: impl FnMut(Args) -> Value) -> Violations {
    let mut found = Violations::new();
    for part in PARTS {
        let (mut cursor, mut rounds) = (String::new(), 0);
        loop {
            let (next, violations) = read(check(args![part.as_str(), cursor, 10]));
            found.extend(violations);
            rounds += 1;
            assert!(rounds < 1000, "the check of {part} comes to no end");
            if next.is_empty() {
                break;
            }
            cursor = next;
        }
    }
    found
}

impl World {
    /// Nothing is wrong but that some queues and topics are on pools that were never there, or are dropped.
    pub fn check(&mut self) {
        let found = all(|args| self.call("control/check", &args).expect("a check"));
        let plane = &self.plane;
        let mut expected = Violations::new();
        for (catalogue, sentence) in [
            (&plane.catalogue, "is on a pool that is not there"),
            (
                &plane.topic_catalogue,
                "is a topic on a pool that is not there",
            ),
        ] {
            for ((project, name), pool) in catalogue {
                if !plane.pools.contains_key(pool) {
                    let about = [project, &b"/"[..], name].concat();
                    expected.insert((about, sentence.to_owned()));
                }
            }
        }
        assert_eq!(found, expected);
    }
}

#[test]
fn the_checker_tells_each_kind_of_damage() {
    let server = common::Server::start(&[]);
    let mut client = Client::new(&server);
    let map = b"\xc4\x01\x80".as_slice();
    let damages: [(Part, &[&str], &str, &str); 16] = [
        (
            Part::Pools,
            &["HSET", "KEY", "a", "x"],
            "a",
            "has a record that can not be read",
        ),
        (
            Part::Pools,
            &["HSET", "KEY", "b", "COPY"],
            "b",
            "has the uri of another pool",
        ),
        (
            Part::PoolQueues,
            &["HSET", "KEY", "a", "0"],
            "a",
            "has a count of queues that is none",
        ),
        (
            Part::PoolQueues,
            &["HSET", "KEY", "a", "1"],
            "pool_queues",
            "counts other queues and topics than the catalogues have",
        ),
        (
            Part::TopicCatalogue,
            &["HDEL", "KEY", "p/q"],
            "pool_queues",
            "counts other queues and topics than the catalogues have",
        ),
        (
            Part::TopicCatalogue,
            &["HSET", "KEY", "p/q", "gone"],
            "p/q",
            "is a topic on a pool that is not there",
        ),
        (
            Part::PoolQueues,
            &["DEL", "KEY"],
            "p/q",
            "is on a pool that counts no queues",
        ),
        (
            Part::PoolQueues,
            &["DEL", "KEY"],
            "p/q",
            "is a topic on a pool that counts no queues",
        ),
        (
            Part::FlavorNames,
            &["DEL", "KEY"],
            "p/gold",
            "is not listed in flavor_names",
        ),
        (
            Part::Flavors,
            &["DEL", "KEY"],
            "p/gold",
            "stands in flavor_names alone",
        ),
        (
            Part::CatalogueNames,
            &["DEL", "KEY"],
            "p/q",
            "is not listed in catalogue_names",
        ),
        (
            Part::Catalogue,
            &["DEL", "KEY"],
            "p/q",
            "stands in catalogue_names alone",
        ),
        (
            Part::CatalogueNames,
            &["ZADD", "KEY", "1", "p/q"],
            "p/q",
            "has a score in catalogue_names, and so another place in the order",
        ),
        (
            Part::TopicCatalogueNames,
            &["DEL", "KEY"],
            "p/q",
            "is not listed in topic_catalogue_names",
        ),
        (
            Part::TopicCatalogue,
            &["DEL", "KEY"],
            "p/q",
            "stands in topic_catalogue_names alone",
        ),
        (
            Part::TopicCatalogueNames,
            &["ZADD", "KEY", "1", "p/q"],
            "p/q",
            "has a score in topic_catalogue_names, and so another place in the order",
        ),
    ];
    for (part, command, about, sentence) in damages {
        let _: String = client.command(&["FLUSHALL"]);
        client.done(
            "control/pool/create",
            args!["a", "weight", 1, "uri", "redis://a"],
        );
        client.done("control/flavor/create", args!["p", "gold", map]);
        for of_topics in [false, true] {
            client.of_topics = of_topics;
            client.done("control/catalogue/insert", args!["p", "q", "a", ""]);
        }
        assert_eq!(found(&mut client), Violations::new());
        let key = client.key(part);
        if command.contains(&"COPY") {
            client.copy_field(&key, "a", "b");
        } else {
            let command = command
                .iter()
                .map(|word| if *word == "KEY" { &*key } else { word });
            let _: Value = client.command(&command.collect::<Vec<_>>());
        }
        let told = (about.as_bytes().to_vec(), sentence.to_owned());
        let found = found(&mut client);
        assert!(found.contains(&told), "{command:?} of {part}: {found:?}");
    }
}

/// A catalogue that takes many pages, and one queue of it that no list has.
#[test]
fn the_checker_looks_at_every_page() {
    let server = common::Server::start(&[]);
    let mut client = Client::new(&server);
    client.done(
        "control/pool/create",
        args!["a", "weight", 1, "uri", "redis://a"],
    );
    for number in 0..1500 {
        let queue = format!("q{number}");
        client.done("control/catalogue/insert", args!["p", queue, "a", ""]);
    }
    assert_eq!(found(&mut client), Violations::new());
    let key = client.key(Part::CatalogueNames);
    let _: u64 = client.command(&["ZREM", &key, "p/q777"]);
    let told = (
        b"p/q777".to_vec(),
        "is not listed in catalogue_names".to_owned(),
    );
    assert_eq!(found(&mut client), Violations::from([told]));
}

fn found(client: &mut Client) -> Violations {
    all(|args| client.done("control/check", args))
}

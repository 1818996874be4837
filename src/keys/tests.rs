use std::collections::HashMap;

use super::*;

fn key(project: &str, queue: &str, part: Part) -> String {
    QueueKeys::new(&Prefix::default(), QueuePath::new(project, queue).unwrap()).key(part)
}

#[test]
fn names_stand_in_keys_as_they_are_but_for_what_is_ambiguous() {
    let cases = [
        ("shop", "orders", "mq:{shop/orders}:log"),
        ("", "orders", "mq:{/orders}:log"),
        ("a/b", "c", "mq:{a%2Fb/c}:log"),
        ("a", "b/c", "mq:{a/b%2Fc}:log"),
        ("p", "{q}", "mq:{p/%7Bq%7D}:log"),
        ("100%", "50%25", "mq:{100%25/50%2525}:log"),
        ("a b", "c d.e:f*?[g]", "mq:{a b/c d.e:f*?[g]}:log"),
        ("é", "\u{1F600}", "mq:{é/\u{1F600}}:log"),
    ];
    for (project, queue, expected) in cases {
        assert_eq!(key(project, queue, Part::Log), expected);
        let path = QueuePath::new(project, queue).unwrap();
        assert_eq!(QueuePath::from_tag(&path.tag()).unwrap(), path);
        assert_eq!(
            QueueKeys::parse(&Prefix::default(), expected),
            Some((path, Part::Log))
        );
    }
}

#[test]
fn names_out_of_bounds_are_refused_with_the_argument_they_were() {
    let long = "x".repeat(257);
    for (project, queue, argument) in [
        ("p", "", "queue"),
        ("p", &*long, "queue"),
        (&*long, "q", "project"),
        ("p\n", "q", "project"),
    ] {
        let Error::InvalidArgument {
            argument: named, ..
        } = QueuePath::new(project, queue).unwrap_err()
        else {
            panic!("another error")
        };
        assert_eq!(named, argument);
    }
    for control in ["\0", "\x1f", "\x7f", "\u{85}"] {
        assert!(QueueName::new(control).is_err());
    }
    assert!(QueuePath::new(&long[..256], &long[..256]).is_ok());
    // Bytes count, not characters.
    assert!(QueueName::new(&"\u{1F600}".repeat(64)).is_ok());
    assert!(QueueName::new(&"\u{1F600}".repeat(65)).is_err());
}

#[test]
fn a_tag_that_is_written_in_another_way_names_no_queue() {
    for tag in [
        "", "p", "p/", "p/q/r", "p/%2f", "p/%41", "p/%", "p/%2", "p/%ZZ", "p/%FF", "p/%0A", "p/{q",
    ] {
        assert!(QueuePath::from_tag(tag).is_err(), "{tag}");
    }
}

#[test]
fn no_prefix_can_take_the_hash_tag_away() {
    for prefix in ["", "a{", "}", "a\n", &"x".repeat(65)] {
        assert!(Prefix::new(prefix).is_err());
    }
    let prefix = Prefix::new("my:app").unwrap();
    let keys = QueueKeys::new(&prefix, QueuePath::new("p", "q").unwrap());
    assert_eq!(keys.key(Part::TokensBefore), "my:app:{p/q}:tokens_before");
    assert_eq!(
        QueueKeys::parse(&Prefix::default(), &keys.key(Part::Log)),
        None
    );
}

#[test]
fn the_index_of_a_project_is_no_part_of_a_queue() {
    let project = ProjectName::new("a/b").unwrap();
    let index = Prefix::default().queues_of(&project);
    assert_eq!(index, "mq:{a%2Fb/}:queues");
    assert_eq!(Prefix::default().projects(), "mq:projects");
    assert_eq!(QueueKeys::parse(&Prefix::default(), &index), None);
}

#[test]
fn every_part_has_a_word_of_its_own() {
    let words: HashMap<_, _> = Part::ALL
        .iter()
        .map(|part| (part.as_str(), *part))
        .collect();
    assert_eq!(words.len(), Part::ALL.len());
    for (word, part) in words {
        assert_eq!(word.parse::<Part>().unwrap(), part);
    }
    assert!("Log".parse::<Part>().is_err());
}

/// Names made of the pieces that encoding is about, up to a length of three: all of them.
fn names() -> Vec<String> {
    let pieces = [
        "",
        "a",
        "/",
        "%",
        "{",
        "}",
        "2F",
        "%7D",
        "}:log",
        "\u{1F600}",
    ];
    let mut names = Vec::new();
    for first in pieces {
        for second in pieces {
            for third in ["", "/", "2F"] {
                names.push([first, second, third].concat());
            }
        }
    }
    names.sort();
    names.dedup();
    names
}

#[test]
fn no_two_queues_share_a_key_or_a_slot_tag() {
    let names = names();
    let mut seen: HashMap<String, QueuePath> = HashMap::new();
    for project in &names {
        for queue in names.iter().filter(|name| !name.is_empty()) {
            let path = QueuePath::new(project, queue).unwrap();
            let key = key(project, queue, Part::Log);
            assert_eq!(slot_tag(&key), path.tag());
            assert_eq!(
                QueueKeys::parse(&Prefix::default(), &key),
                Some((path.clone(), Part::Log))
            );
            if let Some(other) = seen.insert(key, path.clone()) {
                panic!("{other} and {path} share a key");
            }
        }
    }
    assert!(seen.len() > 50_000, "{}", seen.len());
}

/// What a cluster hashes: between the first brace and the first closing one after it.
fn slot_tag(key: &str) -> &str {
    let (_, rest) = key.split_once('{').unwrap();
    rest.split_once('}').unwrap().0
}

//! What can be wrong with an argument, by its type and name in the manifest.
//!
//! Guards nothing; a type of argument that is not known here ends the test.

use crate::calls::Argument;
use crate::rig::{BODY, LETTER};
use crate::values::{BROKEN_BINS, BROKEN_LETTERS, NO_IDS, NO_NUMBERS, NO_UUIDS};

pub struct Flaw {
    pub value: Vec<u8>,
    /// The words that may answer it; none where it is no error.
    pub words: &'static [&'static str],
    /// What the refusal has to name.
    pub names: String,
}

/// The bounds that headers name in their prose.
fn out_of_bounds(script: &str, name: &str) -> &'static [&'static str] {
    match (script, name) {
        (_, "limit") | ("check", "count") => &["0", "251"],
        ("sweep", "budget") => &["0", "1001"],
        (_, "now") => &["9007199254741"],
        (_, "max_body") => &["0", "268435457"],
        (_, "ttl") => &["0", "315360000001"],
        (_, "grace" | "delay") => &["315360000001"],
        (_, "wait") => &["0", "315360000001"],
        _ => panic!("no bounds of {name} of {script}"),
    }
}

pub fn of(script: &str, argument: &Argument) -> Vec<Flaw> {
    let name = &*argument.name;
    let mut flaws = Vec::new();
    let mut add = |values: &[&[u8]], words: &'static [&'static str]| {
        for value in values {
            flaws.push(Flaw {
                value: value.to_vec(),
                words,
                names: name.into(),
            });
        }
    };
    let text = |values: &[&'static str]| -> Vec<&'static [u8]> {
        values.iter().map(|v| v.as_bytes()).collect()
    };
    match &*argument.kind {
        "integer" => {
            add(&text(NO_NUMBERS), &["BADARG"]);
            add(&text(out_of_bounds(script, name)), &["BADARG"]);
            if !argument.optional {
                add(&[b""], &["BADARG"]);
            }
        }
        "flag" => add(
            &text(&["0", "2", "11", "x", "true", " ", "-1", "1\n"]),
            &["BADARG"],
        ),
        "uuid" => {
            let words: &[&str] = if matches!(script, "claim" | "sweep") {
                &["BADARG"]
            } else {
                &["CLAIMGONE"]
            };
            add(&text(NO_UUIDS), words);
            if !argument.optional {
                add(&[b""], words);
            }
        }
        "id" => {
            let words: &[&str] = match script {
                "get" | "delete" | "dead/get" | "dead/redrive" | "dead/send_back" => &[],
                "nack" => &["MESSAGEGONE", "CLAIMGONE"],
                _ => &["BADARG"],
            };
            add(&text(NO_IDS), words);
            if !argument.optional {
                add(&[b""], words);
            }
        }
        "bin" => {
            add(BROKEN_BINS, &["BADARG"]);
            add(
                &[&BODY[..1], &BODY[..2], &[BODY, b"x"].concat()],
                &["BADARG"],
            );
            if name == "metadata" {
                add(
                    &[
                        b"\xc4\x01\x01",
                        b"\xc4\x01\xc0",
                        b"\xc4\x01\x90",
                        b"\xc4\x02\xa1x",
                    ],
                    &["BADARG"],
                );
                let large = [b"\xc6\x00\x04\x00\x01\x80".as_slice(), &vec![0xc0; 262_144]].concat();
                add(&[&large], &["TOOLARGE"]);
            } else {
                let large = [b"\xc6\x00\x04\x00\x01".as_slice(), &vec![0xc0; 262_145]].concat();
                add(&[&large], &["TOOLARGE"]);
            }
            if !argument.optional {
                add(&[b""], &["BADARG"]);
            }
        }
        "envelope" => {
            let prefixes: Vec<&[u8]> = (0..LETTER.len()).map(|end| &LETTER[..end]).collect();
            add(&prefixes, &["BADARG"]);
            add(BROKEN_LETTERS, &["BADARG"]);
            add(&[&[LETTER, b"x"].concat()], &["BADARG"]);
            add(
                &[&[b"\x94".as_slice(), &vec![0x91; 100_000]].concat()],
                &["BADARG"],
            );
        }
        "text" => {
            let (values, names) = wrong_text(script, name);
            for value in values {
                flaws.push(Flaw {
                    value,
                    words: &["BADARG"],
                    names: names.into(),
                });
            }
        }
        kind => panic!("no flaw is known of an argument of type {kind}"),
    }
    flaws
}

/// Reserved names with values that are out of their bounds.
pub fn of_reserved() -> Vec<(&'static str, Flaw)> {
    let numbers: [(&str, &[&str]); 5] = [
        ("_default_message_ttl", &["0", "315360000001"]),
        ("_default_message_delay", &["315360000001", "1209600000"]),
        ("_dead_letter_queue_messages_ttl", &["0", "315360000001"]),
        ("_max_messages_post_size", &["0", "268435457"]),
        ("_max_claim_count", &["0", "1000000001"]),
    ];
    let mut flaws = Vec::new();
    for (name, bounds) in numbers {
        for value in NO_NUMBERS.iter().chain(bounds).chain(&[""]) {
            flaws.push((name, value.as_bytes().to_vec()));
        }
    }
    for name in ["_dead_letter_queue", "_flavor"] {
        for value in [
            b"".to_vec(),
            b"a\nb".to_vec(),
            b"\0".to_vec(),
            vec![b'a'; 257],
        ] {
            flaws.push((name, value));
        }
    }
    let flaw = |(name, value): (&'static str, Vec<u8>)| {
        (
            name,
            Flaw {
                value,
                words: &["BADARG"],
                names: name.into(),
            },
        )
    };
    flaws.into_iter().map(flaw).collect()
}

/// Text that is refused, and the name in the refusal.
fn wrong_text(script: &str, name: &str) -> (Vec<Vec<u8>>, &'static str) {
    let long = |many: usize| vec![b'a'; many];
    let some = |values: &[&str]| -> Vec<Vec<u8>> {
        values.iter().map(|v| v.as_bytes().to_vec()).collect()
    };
    match (script, name) {
        ("claim", "worker") => (
            [some(&["a\nb", "\0", "\x7f"]), vec![long(257)]].concat(),
            "worker",
        ),
        ("post", "client") => (vec![long(257)], "client"),
        ("post" | "pop", "token") => ([some(&["a\nb", "\0"]), vec![long(257)]].concat(), "token"),
        ("post", "digest") => (
            [some(&["", " ", "a b", "a\n"]), vec![long(129)]].concat(),
            "digest",
        ),
        ("check", "part") => (some(&["", "x", "dead", "LOG", "log "]), "part"),
        ("check", "cursor") => (some(&["x", "-1", "1e3", "0x1", " "]), "cursor"),
        ("dead/deliver", "source") => (
            some(&["", "p", "p/q/r", "/", "p/", "p/{q}", "{p}/q"]),
            "source",
        ),
        ("dead/redrive" | "dead/send_back", "to") => {
            (some(&["p", "p/q/r", "/", "p/", "p/{q}", "{p}/q"]), "to")
        }
        (_, "name") => (
            some(&[
                "",
                "x",
                "schema",
                "fence",
                "metadata",
                "_default_message_tt",
            ]),
            "name",
        ),
        // Of values there is a test of its own; a client may be any text.
        (_, "value") | ("list", "client") => (Vec::new(), ""),
        _ => panic!("no flaw is known of {name} of {script}"),
    }
}

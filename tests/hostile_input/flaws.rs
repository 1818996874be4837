//! What can be wrong with an argument, by its type and name in the manifest.
//!
//! Guards nothing; a type of argument that is not known here ends the test.

use super::calls::Argument;
use super::prose::wrong_text;
use super::rig::{BODY, LETTER};
use super::values::{BROKEN_BINS, BROKEN_LETTERS, NO_IDS, NO_NUMBERS, NO_UUIDS};

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
        (_, "limit") if of_names(script) => &["0", "1001"],
        (_, "limit") | ("check" | "control/check", "count") => &["0", "251"],
        (_, "random") => &["4294967296"],
        ("sweep", "budget") => &["0", "1001"],
        (_, "now") => &["9007199254741"],
        (_, "max_body") => &["0", "268435457"],
        (_, "ttl") => &["0", "315360000001"],
        (_, "grace" | "delay") => &["315360000001"],
        (_, "wait") => &["0", "315360000001"],
        _ => panic!("no bounds of {name} of {script}"),
    }
}

/// Pages of these have no bodies.
fn of_names(script: &str) -> bool {
    script.starts_with("control/") || script.starts_with("subscription/")
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
                "subscription/delete" => &[],
                "subscription/confirm" | "subscription/get" | "subscription/update" => {
                    &["SUBSCRIPTIONGONE"]
                }
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
            if name != "body" {
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
                if script.starts_with("control/") {
                    let large = [b"\xc5\x10\x01\x80".as_slice(), &vec![0xc0; 4096]].concat();
                    add(&[&large], &["TOOLARGE"]);
                }
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
            let wrong = wrong_text(script, name);
            for value in wrong.values {
                flaws.push(Flaw {
                    value,
                    words: wrong.words,
                    names: wrong.names.into(),
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

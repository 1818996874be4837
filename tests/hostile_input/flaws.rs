//! What can be wrong with an argument, by its type and name in the manifest.
//!
//! Guards nothing; a type of argument that is not known here ends the test.

use crate::calls::Argument;
use crate::rig::{BODY, LETTER};

pub struct Flaw {
    pub value: Vec<u8>,
    /// The words that may answer it; none where it is no error.
    pub words: &'static [&'static str],
    /// What the refusal has to name.
    pub names: String,
}

/// How to make a key of each type.
pub const OTHER_TYPES: &[(&str, &[&str])] = &[
    ("string", &["SET", "KEY", "x"]),
    ("list", &["RPUSH", "KEY", "x"]),
    ("set", &["SADD", "KEY", "x"]),
    ("zset", &["ZADD", "KEY", "1", "x"]),
    ("hash", &["HSET", "KEY", "x", "y"]),
    ("stream", &["XADD", "KEY", "1-1", "m", "x"]),
];

/// No whole numbers from 0 on, though some programs would read one.
const NO_NUMBERS: &[&str] = &[
    "x",
    "-1",
    "-0",
    "+1",
    " 1",
    "1 ",
    "1\n",
    "1.0",
    "1.5",
    "1e3",
    "1E3",
    "0x10",
    "nan",
    "NaN",
    "-nan",
    "inf",
    "-inf",
    "Infinity",
    "9007199254740992",
    "9007199254740993",
    "18446744073709551616",
    "12345678901234567",
    "١",
    "1\0",
    "\0",
];

const NO_UUIDS: &[&str] = &[
    "x",
    "0",
    "1700000000000-0",
    "11111111-1111-4111-8111-11111111111",
    "11111111-1111-4111-8111-1111111111111",
    "11111111-1111-4111-8111-11111111111g",
    "11111111 1111 4111 8111 111111111111",
    "{1111111-1111-4111-8111-11111111111}",
];

const NO_IDS: &[&str] = &[
    "x",
    "-",
    "+",
    "*",
    "$",
    "1",
    "1-",
    "-1",
    "1-1-1",
    "1-x",
    "x-1",
    "1.5-0",
    "1e3-0",
    "0x1-0",
    "nan-nan",
    " 1-0",
    "1-0 ",
    "+1-0",
    "-1-0",
    "1--0",
    "(1-0",
    "9999999999999999-0",
    "1-18446744073709551616",
    "18446744073709551615-18446744073709551615",
];

/// The bounds that headers name in their prose.
fn out_of_bounds(script: &str, name: &str) -> &'static [&'static str] {
    match (script, name) {
        (_, "limit") | ("check", "count") => &["0", "251"],
        ("sweep", "budget") => &["0", "1001"],
        (_, "now") => &["9007199254741"],
        (_, "max_body") => &["0", "268435457"],
        (_, "ttl") => &["0", "315360000001"],
        (_, "grace" | "delay") => &["315360000001"],
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
                "get" => &[],
                "delete" => &[],
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

const BROKEN_BINS: &[&[u8]] = &[
    b"\xc4",
    b"\xc4\x00",
    b"\xc4\x05abc",
    b"\xc4\x01ab",
    b"\xc5",
    b"\xc5\x00",
    b"\xc5\x00\x05abc",
    b"\xc6",
    b"\xc6\x00\x00\x00",
    b"\xc6\x00\x00\x00\x05abc",
    b"\xc6\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xffabc",
    b"\x01",
    b"\x80",
    b"\xa3abc",
    b"\xd9\x03abc",
    b"\xdd\xff\xff\xff\xff",
    b"x",
    b"nan",
];

/// Letters `[ttl, client, extras, body]` with something else in one place.
const BROKEN_LETTERS: &[&[u8]] = &[
    b"x",
    b"\xc0",
    b"\x93\xcd\x03\xe8\xa2me\xc4\x01\x2a",
    b"\x95\xcd\x03\xe8\xa2me\x80\xc4\x01\x2a\xc0",
    b"\xdc\x00\x04\xcd\x03\xe8\xa2me\x80\xc4\x01\x2a",
    b"\x94\x00\xa2me\x80\xc4\x01\x2a",
    b"\x94\xff\xa2me\x80\xc4\x01\x2a",
    b"\x94\xc0\xa2me\x80\xc4\x01\x2a",
    b"\x94\xa11\xa2me\x80\xc4\x01\x2a",
    b"\x94\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xa2me\x80\xc4\x01\x2a",
    b"\x94\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00\xa2me\x80\xc4\x01\x2a",
    b"\x94\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00\xa2me\x80\xc4\x01\x2a",
    b"\x94\xcf\x00\x20\x00\x00\x00\x00\x00\x00\xa2me\x80\xc4\x01\x2a",
    b"\x94\xcd\x03\xe8\x01\x80\xc4\x01\x2a",
    b"\x94\xcd\x03\xe8\xa2me\xc0\xc4\x01\x2a",
    b"\x94\xcd\x03\xe8\xa2me\x01\xc4\x01\x2a",
    b"\x94\xcd\x03\xe8\xa2me\xa1x\xc4\x01\x2a",
    b"\x94\xcd\x03\xe8\xa2me\x80\xc0",
    b"\x94\xcd\x03\xe8\xa2me\x80\xa1x",
    b"\x94\xcd\x03\xe8\xa2me\x80\xc4\x00",
    b"\x94\xdd\xff\xff\xff\xff",
];

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
        // What follows `_default_message_ttl`, and what follows `_dead_letter_queue`, are told apart in the test.
        (_, "value") | ("list", "client") => (Vec::new(), "value"),
        _ => panic!("no flaw is known of {name} of {script}"),
    }
}

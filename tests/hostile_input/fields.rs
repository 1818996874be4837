//! Fields of pools and subscriptions with values that are wrong, beside others that are good.
//!
//! Guards what is stored: one wrong field, and none is changed.

use marconi_redis::script::Script;

use crate::arguments::try_flaw;
use crate::calls::{Manifest, good_call};
use crate::flaws::Flaw;
use crate::states::{Case, in_state};
use crate::values::{BROKEN_BINS, NO_NUMBERS};
use crate::{common, words};

#[test]
fn every_field_has_to_be_within_its_bounds() {
    let server = common::Server::start(&[]);
    let manifest = Manifest::read();
    for case in [Case::Furnished, Case::Late, Case::Missing] {
        let mut rig = in_state(&server, case);
        for script in [
            "control/pool/create",
            "control/pool/update",
            "subscription/update",
        ] {
            let entry = manifest.script(script);
            let good = good_call(script, case.now(), &rig);
            let fixed = entry.args.len() - entry.group();
            let script = Script::by_name(script).expect("a script of this crate");
            for (field, flaw) in flaws_of(script.name()) {
                let at = good.iter().position(|word| word == field.as_bytes());
                let mut args = good.clone();
                args[at.expect("a field of the good call") + 1] = flaw.value.clone();
                try_flaw(&mut rig, script, entry, &args, &flaw, case);
                // By itself, too.
                let alone = [&good[..fixed], &words![field, &flaw.value[..]]].concat();
                try_flaw(&mut rig, script, entry, &alone, &flaw, case);
            }
        }
    }
}

#[test]
fn a_pool_is_made_with_its_weight_and_uri_or_not_at_all() {
    let server = common::Server::start(&[]);
    let manifest = Manifest::read();
    let entry = manifest.script("control/pool/create");
    let mut rig = in_state(&server, Case::Furnished);
    let script = Script::by_name("control/pool/create").expect("a script of this crate");
    for (names, given) in [("uri", ["weight", "1"]), ("weight", ["uri", "redis://x"])] {
        let flaw = Flaw {
            value: Vec::new(),
            words: &["BADARG"],
            names: names.into(),
        };
        let args = words!["fast", &given[..], "flavor", "gold"];
        try_flaw(&mut rig, script, entry, &args, &flaw, Case::Furnished);
    }
}

/// Fields of a script with values that are refused by the field's name.
fn flaws_of(script: &str) -> Vec<(&'static str, Flaw)> {
    let mut flaws = Vec::new();
    let mut add = |field: &'static str, words: &'static [&'static str], value: &[u8]| {
        let value = value.to_vec();
        let names = field.into();
        flaws.push((
            field,
            Flaw {
                value,
                words,
                names,
            },
        ));
    };
    let (number, text, bounds): (_, _, [&str; 2]) = match script {
        "subscription/update" => ("ttl", "subscriber", ["0", "315360000001"]),
        _ => ("weight", "uri", ["-1", "4294967296"]),
    };
    for value in NO_NUMBERS.iter().chain(&bounds).chain(&[""]) {
        add(number, &["BADARG"], value.as_bytes());
    }
    let long = vec![b'a'; 4097];
    for value in [b"a\nb".as_slice(), b"\0", b"\x7f", &long] {
        add(text, &["BADARG"], value);
    }
    if number == "weight" {
        add("uri", &["BADARG"], b"");
        for value in [b"a\nb".as_slice(), b"\0", b"\x7f", &long[..257]] {
            add("flavor", &["BADARG"], value);
        }
        let options = [b"\xc5\x10\x01\x80".as_slice(), &[0xc0; 4096]].concat();
        add("options", &["TOOLARGE"], &options);
    }
    let other_values: [&[u8]; 5] = [
        b"",
        b"\xc4\x01\x01",
        b"\xc4\x01\xc0",
        b"\xc4\x01\x90",
        b"\xc4\x02\xa1x",
    ];
    for value in BROKEN_BINS.iter().chain(&other_values) {
        add("options", &["BADARG"], value);
    }
    let options = [b"\xc6\x00\x04\x00\x01\x80".as_slice(), &[0xc0; 262_144]].concat();
    add("options", &["TOOLARGE"], &options);
    flaws
}

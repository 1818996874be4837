//! Arguments that are wrong, one at a time in a call that is good otherwise.
//!
//! Guards the data: each is refused by its name, in whatever state the queue is.

use marconi_redis::script::{ALL, Script};

use crate::calls::{Entry, Manifest, good_call};
use crate::flaws::{self, Flaw};
use crate::rig::{METADATA, NOW, Rig, Words};
use crate::states::{Case, in_state};
use crate::{common, refused, words};

#[test]
fn every_script_refuses_each_argument_that_is_wrong() {
    let server = common::Server::start(&[]);
    let manifest = Manifest::read();
    let mut tried = 0;
    for case in [Case::Furnished, Case::Late, Case::Missing] {
        let mut rig = in_state(&server, case);
        for script in ALL {
            let entry = manifest.script(script.name());
            let good = good_call(script.name(), case.now(), &rig);
            for at in 0..good.len() {
                let argument = entry.argument(at);
                for flaw in flaws::of(script.name(), argument) {
                    let mut args = good.clone();
                    args[at] = flaw.value.clone();
                    tried += 1;
                    try_flaw(&mut rig, script, entry, &args, &flaw, case);
                }
            }
        }
    }
    assert!(tried > 4000, "{tried} calls only");
}

#[test]
fn every_reserved_value_has_to_be_within_its_bounds() {
    let server = common::Server::start(&[]);
    let manifest = Manifest::read();
    for case in [Case::Furnished, Case::Late, Case::Missing] {
        let mut rig = in_state(&server, case);
        for script in ["queue/create", "queue/set"] {
            let entry = manifest.script(script);
            let script = Script::by_name(script).expect("a script of this crate");
            for (name, flaw) in flaws::of_reserved() {
                let args = words![
                    NOW,
                    METADATA,
                    "_max_claim_count",
                    "5",
                    name,
                    &flaw.value[..]
                ];
                try_flaw(&mut rig, script, entry, &args, &flaw, case);
            }
        }
    }
}

/// One call with a flaw: refused with its word and name, and nothing is changed.
pub fn try_flaw(
    rig: &mut Rig,
    script: &Script,
    entry: &Entry,
    args: &Words,
    flaw: &Flaw,
    case: Case,
) {
    let value = String::from_utf8_lossy(&flaw.value);
    let told: String = format!("{} {}={value:?}, {case:?}", script.name(), flaw.names);
    let told: String = told.chars().take(200).collect();
    let before = rig.digest();
    let answer = rig.call(script.name(), args);
    assert_eq!(rig.digest(), before, "{told}, and has changed something");
    if flaw.words.is_empty() {
        // Malformed ids are gone, and nothing else is wrong.
        let late = case == Case::Late && script.may_answer_more();
        let more = late && matches!(&answer, Err((word, _)) if word == "MORE");
        // A subscription that is asked for by its id is not there either.
        let gone = case == Case::Missing
            && matches!(&answer, Err((word, _)) if word == "SUBSCRIPTIONGONE");
        assert!(answer.is_ok() || more || gone, "{told}: {answer:?}");
        return;
    }
    let (word, detail) = refused(answer, &told, &entry.errors);
    let missing = case == Case::Missing && (word.ends_with("GONE") || word == "NOTMAPPED");
    assert!(
        missing || flaw.words.contains(&&*word),
        "{told}: {word} {detail}"
    );
    let named = detail.starts_with(&format!("{}: ", flaw.names));
    assert!(
        named || word != "BADARG",
        "{told}: {detail} does not name it"
    );
}

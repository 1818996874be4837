//! Hostile input: what nobody should have written, in the keys, in replies and in texts; and every operation on it.
//!
//! Guards that bad input is a matter of its caller alone: it is refused or taken, whole, and in time.

#[allow(dead_code)]
#[path = "../../hostile_input/calls.rs"]
mod calls;
#[path = "../../hostile_input/control.rs"]
mod control;
#[allow(dead_code)]
#[path = "../../hostile_input/flaws.rs"]
mod flaws;
#[path = "../../hostile_input/prose.rs"]
mod prose;
#[allow(dead_code)]
#[path = "../../hostile_input/rig.rs"]
mod rig;
#[path = "../../hostile_input/states.rs"]
mod states;
#[path = "../../hostile_input/values.rs"]
mod values;

mod bytes;
mod case;
mod damage;
mod liar;
mod library;
mod lies;
mod operations;
mod replies;
mod resp;
mod scripts;
mod snapshot;
mod stage;
mod text;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use marconi_redis::script;

use crate::report::Row;
use crate::scale::Scale;
use case::{Area, Ledger, Wanted};
use stage::Stage;

const ABOUT: &str = "\
Four things are tried, each with choices from the seed. Plain calls of every script, and every operation of the library, on a
queue, a control plane and subscriptions to which somebody with the keys in hand did damage: entries of the streams with random,
changed, cut, deeply nested or misfitting MessagePack or with other fields, ids and last ids past 2^53, records and tokens of
nonsense, scores that are infinite, negative or fractions, members that are no ids, numbers that are none, keys of another type
or gone. Their arguments are good or odd. Then every operation of the library against a server on loopback that answers with a
lie in place of the true reply, which was recorded before: other types, wrong lengths, nesting, cuts, pushes, strange errors,
single bytes. Last, names, tags, keys, ids, envelopes, metadata, bodies and URLs by themselves.

A violation is: a panic, in whatever task; no answer by the deadline; a script that keeps the server busy; an error, or the
library's *not done* of one call, after which the DUMP of any key is another; a reading script that writes; a word that is not
in the script's header; a message that the streams don't hold, or twice in one answer; a success out of a reply that can't be
one; another answer for a reply that only came in pieces; control characters or a password in the text of an error.

What it can't see: whether what a script makes of damaged keys is what somebody would have wanted, and damage of which it does
not think. Where a stored number or envelope is none, a script may say so in the server's own words (`ERR …`), which is counted
here, and an index that somebody made name a message twice delivers it twice in one answer. Of operations that are several
calls only panics, deadlines and texts are judged. The command line has no parser of manifests to try: the one it shows is
compiled in.
";

pub fn prove(scale: &Scale) -> Row {
    let wanted = Wanted::of(scale.seed, scale.hostile_calls);
    let panics = Arc::new(AtomicU64::new(0));
    let usual = Arc::new(std::panic::take_hook());
    let (count, told) = (Arc::clone(&panics), Arc::clone(&usual));
    std::panic::set_hook(Box::new(move |info| {
        count.fetch_add(1, Ordering::Relaxed);
        told(info);
    }));
    let mut stage = Stage::new();
    let mut ledger = scripts::run(&wanted, &mut stage);
    ledger.absorb(library::run(&wanted, &mut stage));
    ledger.absorb(replies::run(&wanted, &mut stage));
    ledger.absorb(text::run(&wanted));
    drop(std::panic::take_hook());
    if let Ok(usual) = Arc::try_unwrap(usual) {
        std::panic::set_hook(usual);
    }
    let panics = panics.load(Ordering::Relaxed);
    Row {
        name: "hostile-input",
        title: "Hostile input",
        about: ABOUT,
        tried: ledger.tried,
        unit: "calls and texts",
        violations: ledger.violations.len() as u64 + panics,
        failures: if wanted.is_alone() {
            Vec::new()
        } else {
            tame(scale, &ledger)
        },
        details: details(&ledger, panics),
        mutations: Vec::new(),
        command: format!(
            "MARCONI_HOSTILE_CALLS={} {}; MARCONI_CASE=scripts/17 before it runs one case alone",
            scale.hostile_calls,
            scale.command("hostile-input")
        ),
    }
}

/// How many pairs of a damage and an operation there can be in an area.
fn pairs(area: Area) -> usize {
    match area {
        // No damage is one kind more.
        Area::Scripts => (damage::KINDS.len() + 1) * script::ALL.len(),
        Area::Library => (damage::KINDS.len() + 1) * operations::ALL.len(),
        Area::Replies => lies::KINDS.len() * operations::ALL.len(),
        Area::Text => text::KINDS.len(),
    }
}

/// From so many calls on, nearly every operation has met every damage.
const MANY: u64 = 100_000;

fn tame(scale: &Scale, ledger: &Ledger) -> Vec<String> {
    let mut failures = Vec::new();
    let is_long = scale.hostile_calls >= MANY;
    for area in Area::ALL {
        let (met, all) = (ledger.pairs(area), pairs(area));
        let least = if is_long {
            all * 95 / 100
        } else {
            all.min(scale.hostile_calls as usize / 25)
        };
        if met < least {
            failures.push(format!(
                "too tame: {met} of {all} pairs of damage and operation, {}",
                area.name()
            ));
        }
        let (passed, refused) = ledger.came_to(area);
        for (what, count) in [("passed", passed), ("was refused", refused)] {
            if count * 10 < passed + refused {
                failures.push(format!(
                    "too tame: {count} of {} {what}, {}",
                    passed + refused,
                    area.name()
                ));
            }
        }
    }
    let recorded = ledger.of(replies::RECORDED);
    if recorded + 3 < operations::ALL.len() as u64 {
        failures.push(format!(
            "of {recorded} operations only is it known what a true server says"
        ));
    }
    if is_long {
        let scripts = script::ALL.iter().map(|script| script.name());
        let operations = operations::ALL.iter().map(|operation| operation.name);
        let never = [
            ledger.never_passed(Area::Scripts, scripts),
            ledger.never_passed(Area::Library, operations),
        ]
        .concat();
        if !never.is_empty() {
            failures.push(format!("never passed: {}", never.join(", ")));
        }
    }
    failures
}

fn details(ledger: &Ledger, panics: u64) -> Vec<(String, String)> {
    let mut details = vec![("panics, in whatever task".to_owned(), panics.to_string())];
    for area in Area::ALL {
        let (passed, refused) = ledger.came_to(area);
        let text = format!(
            "{passed} passed, {refused} refused; {} of {} pairs of damage and operation",
            ledger.pairs(area),
            pairs(area)
        );
        details.push((area.told().to_owned(), text));
    }
    let counts = ledger
        .counts
        .iter()
        .map(|(what, count)| (what.clone(), count.to_string()));
    details.extend(counts);
    details
}

//! The checker checked: a small history that is right passes, and each way of breaking it is caught.
//!
//! Guards the proof itself: a checker that finds nothing because it looks at nothing fails here.

mod answers;
mod doubts;
mod fault;
mod messages;
mod story;

use super::{Kind, check};
use crate::report::Row;
use crate::scale::Scale;
use doubts::DOUBTS;
use fault::Fault;
use story::Story;

const ABOUT: &str = "\
A small history by hand, in which everything is as it should be, passes; so does it with what looks wrong and is not. Broken in
one way at a time, it has to be caught each time, and as what it is.
";

pub fn prove(scale: &Scale) -> Row {
    let mut failures = Vec::new();
    let good = verdict(&Story::good());
    if !good.is_empty() {
        failures.push(format!("the good history is called {good:?}"));
    }
    for (name, bend) in DOUBTS {
        let mut story = Story::good();
        bend(&mut story);
        let found = verdict(&story);
        if !found.is_empty() {
            failures.push(format!("{name}: is called {found:?}"));
        }
    }
    let mut missed = 0;
    for (name, kind, spoil) in faults() {
        let mut story = Story::good();
        spoil(&mut story);
        let found = verdict(&story);
        if !found.contains(kind) {
            missed += 1;
            failures.push(format!("{name}: not caught as {kind:?}; found {found:?}"));
        }
    }
    for kind in Kind::ALL {
        if !faults().any(|(_, caught, _)| caught == kind) {
            failures.push(format!("nothing is seeded that is {kind:?}"));
        }
    }
    let passed = DOUBTS
        .iter()
        .map(|(name, _)| ((*name).to_owned(), "passed".to_owned()));
    let caught = faults().map(|(name, kind, _)| ((*name).to_owned(), format!("caught: {kind}")));
    Row {
        name: "checker",
        title: "The checker of histories",
        about: ABOUT,
        tried: (DOUBTS.len() + faults().count()) as u64,
        unit: "histories by hand",
        violations: missed,
        failures,
        details: passed.chain(caught).collect(),
        mutations: Vec::new(),
        command: scale.command("checker"),
    }
}

fn faults() -> impl Iterator<Item = &'static Fault> {
    messages::FAULTS.iter().chain(answers::FAULTS)
}

fn verdict(story: &Story) -> Vec<Kind> {
    let mut ops = story.ops.clone();
    ops.sort_by_key(|op| op.begun);
    let verdict = check(&story.rules, &ops, &story.audit);
    verdict
        .violations
        .iter()
        .map(|violation| violation.kind)
        .collect()
}

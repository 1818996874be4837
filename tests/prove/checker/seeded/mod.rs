//! The checker checked: a small history that is right passes, and each way of breaking it is caught.
//!
//! Guards the proof itself: a checker that finds nothing because it looks at nothing fails here.

mod faults;
mod story;

use super::{Kind, check};
use crate::report::Row;
use crate::scale::Scale;
use faults::FAULTS;
use story::Story;

pub fn prove(scale: &Scale) -> Row {
    let mut failures = Vec::new();
    let good = verdict(&Story::good());
    if !good.is_empty() {
        failures.push(format!("the good history is called {good:?}"));
    }
    let mut missed = 0;
    for (name, kind, spoil) in FAULTS {
        let mut story = Story::good();
        spoil(&mut story);
        let found = verdict(&story);
        if !found.contains(kind) {
            missed += 1;
            failures.push(format!("{name}: not caught as {kind:?}; found {found:?}"));
        }
    }
    for kind in Kind::ALL {
        if !FAULTS.iter().any(|(_, caught, _)| caught == kind) {
            failures.push(format!("nothing is seeded that is {kind:?}"));
        }
    }
    let details = FAULTS
        .iter()
        .map(|(name, kind, _)| ((*name).to_owned(), format!("caught: {kind}")));
    Row {
        name: "checker",
        title: "The checker of histories",
        tried: FAULTS.len() as u64,
        unit: "histories with one seeded fault each",
        violations: missed,
        failures,
        details: details.collect(),
        mutations: Vec::new(),
        command: scale.command("checker"),
    }
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

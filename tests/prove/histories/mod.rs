//! Checked histories: client processes at work on one server, and a proof that what they were answered can be.
//!
//! Guards claim atomicity as users meet it: real processes, the server's own clock, answers that get lost, two
//! implementations of the client. A process that fails, and a history that was too tame, fail the proof.

mod run;

pub use run::{check_again, run};

use crate::checker::Rates;
use crate::report::Row;
use crate::scale::Scale;

pub fn prove(scale: &Scale) -> Row {
    let run = run(scale, "histories", None);
    let rates = &run.verdict.rates;
    let mut details = details(scale, rates);
    let seconds = |time: std::time::Duration| format!("{:.0} s", time.as_secs_f64());
    details.push(("time to make it".to_owned(), seconds(run.worked)));
    details.push(("time to check it".to_owned(), seconds(run.checked)));
    let row = Row {
        name: "histories",
        title: "Checked histories",
        tried: rates.of("operations"),
        unit: "operations",
        violations: run.verdict.violations.len() as u64,
        failures: [run.failures.clone(), tame(rates)].concat(),
        details,
        mutations: Vec::new(),
        command: scale.command("histories"),
    };
    if row.is_good() {
        scale.done_with(&run.dir);
    } else {
        println!("{}", run.verdict.summary(3));
        println!("the history is kept in {}", run.dir.display());
    }
    row
}

/// The least that has to have come of something, in percent of something else.
const FLOORS: &[(&str, &str, f64)] = &[
    ("redelivered", "deliveries", 10.0),
    ("lapsed", "deliveries", 2.0),
    ("expired", "messages", 1.0),
    ("delayed", "messages", 5.0),
    ("dead letters", "messages", 1.0),
    ("refused", "operations", 3.0),
    ("empty-handed", "claim", 2.0),
    ("lost answers", "operations", 0.2),
    ("waits", "claim", 3.0),
    ("renew", "operations", 2.0),
    ("nack", "operations", 2.0),
    ("release", "operations", 2.0),
    ("pop", "operations", 1.0),
];

/// Refusals of which some have to have come.
const WORDS: &[&str] = &[
    "CLAIMED",
    "NOTCLAIMED",
    "NOTYOURS",
    "CLAIMGONE",
    "MESSAGEGONE",
    "TOKENREUSED",
];

/// Others under way on the same queue, in the middle.
const OVERLAP: f64 = 0.5;

fn tame(rates: &Rates) -> Vec<String> {
    let mut failures = Vec::new();
    for (what, of, floor) in FLOORS {
        let percent = rates.percent(what, of);
        if percent < *floor {
            failures.push(format!(
                "too tame: {what} {percent:.2} % of {of}, at least {floor} %"
            ));
        }
    }
    for word in WORDS {
        if rates.of(&format!("refused {word}")) < 5 {
            failures.push(format!("too tame: {word} hardly came"));
        }
    }
    if rates.overlap() < OVERLAP {
        failures.push(format!(
            "too tame: {:.2} others under way, at least {OVERLAP}",
            rates.overlap()
        ));
    }
    failures
}

fn details(scale: &Scale, rates: &Rates) -> Vec<(String, String)> {
    let mut details = vec![
        ("client processes".to_owned(), scale.clients.to_string()),
        (
            "others under way on the same queue".to_owned(),
            format!("{:.2}", rates.overlap()),
        ),
    ];
    for (what, of, _) in FLOORS {
        let text = format!(
            "{} ({:.1} % of {of})",
            rates.of(what),
            rates.percent(what, of)
        );
        details.push(((*what).to_owned(), text));
    }
    let counted: Vec<&str> = FLOORS.iter().map(|floor| floor.0).collect();
    let rest = rates
        .counts
        .iter()
        .filter(|(what, _)| !counted.contains(&what.as_str()));
    details.extend(rest.map(|(what, count)| (what.clone(), count.to_string())));
    details
}

//! Checked histories: client processes at work on one server, and a proof that what they were answered can be.
//!
//! Guards claim atomicity as users meet it: real processes, the server's own clock, answers that get lost, two
//! implementations of the client. A process that fails, and a history that was too tame, fail the proof.

mod run;

pub use run::{Crew, Run, check_again, create_queues, rest, run, run_by, run_on, start_client};

use crate::checker::Rates;
use crate::report::Row;
use crate::scale::Scale;

const ABOUT: &str = "\
Client processes run random operations on six queues of one server, by the server's own clock: three in four on this crate, one
in four on the scripts as they lie in `lua/`, without it. Each writes down when it asked and when it was answered what. In the
mix: waiting, renewals, nacks with and without delays, releases, leases of 5 ms, ttls of 160 ms, delays, claim limits with and
without a dead-letter queue, pops, tokens, repeats, answers that are lost, and calls that are to be refused. When all have gone,
everything that is left is read.

Then the whole history is held against the contract. Nothing is a violation that some order of the operations explains; what none
explains is one: two live claims on a message, by fences and by deadlines to the ms; a delivery after a delete; a message lost,
invented, doubled, expired or dead before its time; one passed over that was claimable all the while; ids, fences, or first
deliveries out of order; counts, leases and expiries that are not what they have to be; stats outside of what the queue can have
held; a refusal without a cause. A history in which too little happened fails, too.

What it can't see: whether an operation that overlaps another came before it, so an end that is early by less than the two
operations took (claims apart: their times are the server's); what happens in queues that nobody else touches; purge, deletion
of queues, changed metadata, redriven letters and operations under `force`, which the model tests try; crashes of the server.
";

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
        about: ABOUT,
        tried: rates.of("operations"),
        unit: "operations",
        violations: run.verdict.violations.len() as u64,
        failures: [run.failures.clone(), tame(scale, rates)].concat(),
        details,
        mutations: Vec::new(),
        command: scale.command("histories"),
    };
    run.settle(scale, &row);
    row
}

/// The least that has to have come of something, in percent of something else.
const FLOORS: &[(&str, &str, f64)] = &[
    ("redelivered", "deliveries", 20.0),
    ("lapsed", "deliveries", 10.0),
    ("expired", "messages", 1.0),
    ("delayed", "messages", 15.0),
    ("dead letters", "messages", 2.0),
    ("refused", "operations", 5.0),
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

/// So many clients for one other that is under way on the same queue, in the middle, at most.
const CLIENTS_FOR_ONE: f64 = 12.0;

fn tame(scale: &Scale, rates: &Rates) -> Vec<String> {
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
    let overlap = f64::from(scale.clients) / CLIENTS_FOR_ONE;
    if rates.overlap() < overlap {
        let met = rates.overlap();
        failures.push(format!(
            "too tame: {met:.2} others under way, at least {overlap:.2}"
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

//! Checked histories: client processes at work on one server, and a proof that what they were answered can be.
//!
//! Guards claim atomicity as users meet it: real processes, the server's own clock, answers that get lost, two
//! implementations of the client. A process that fails, and a history that was too tame, fail the proof.

use std::path::Path;
use std::process::{Child, Command};
use std::time::Instant;

use marconi_redis::{Metadata, Queue, Store};

use crate::checker::{self, Audit, Rates, Rest, Verdict};
use crate::client::body_of;
use crate::clock::{Clock, SLACK};
use crate::common::Server;
use crate::history::{self, Body, Id, Seen};
use crate::plan::{PROJECT, Rules, groups};
use crate::report::Row;
use crate::scale::Scale;
use crate::worker::Orders;

pub fn prove(scale: &Scale) -> Row {
    let began = Instant::now();
    let dir = scale.dir("histories");
    let server = Server::start(&[]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let store = runtime
        .block_on(Store::connect(&server.url()))
        .expect("the server");
    runtime.block_on(create_queues(&store));
    run_clients(scale, &server, &dir);
    let audits = runtime.block_on(audit(&store));
    let worked = began.elapsed();
    let (verdict, failures) = check(&dir, scale.clients, &audits);
    let took = began.elapsed();
    println!(
        "{} operations of {} processes in {:.0} s, checked in {:.0} s",
        verdict.rates.of("operations"),
        scale.clients,
        worked.as_secs_f64(),
        (took - worked).as_secs_f64(),
    );
    let mut row = row(scale, &verdict);
    row.failures.extend(failures);
    if row.is_good() {
        scale.done_with(&dir);
    } else {
        println!("{}", verdict.summary(3));
        println!("the history is kept in {}", dir.display());
    }
    row
}

async fn create_queues(store: &Store) {
    for group in groups() {
        for rules in &group {
            let mut metadata = Metadata::new();
            let set = |metadata: Metadata, name: &str, value: u64| {
                metadata.with(name, &value).expect("a number")
            };
            metadata = set(metadata, "_default_message_ttl", rules.ttl);
            metadata = set(metadata, "_default_message_delay", rules.delay);
            if let Some(max) = rules.max_claims {
                metadata = set(metadata, "_max_claim_count", max);
            }
            if let Some(to) = rules.dead_letters_to {
                let name = group[to].name;
                metadata = metadata.with("_dead_letter_queue", &name).expect("a name");
            }
            let queue = store.queue(PROJECT, rules.name).expect("a good name");
            queue
                .create()
                .metadata(metadata)
                .await
                .expect("a new queue");
        }
    }
}

/// One in four goes by the scripts alone.
fn run_clients(scale: &Scale, server: &Server, dir: &Path) {
    let start = |who: u32| {
        let orders = Orders {
            socket: server.socket(),
            dir: dir.to_owned(),
            who,
            seed: scale.seed,
            operations: scale.operations / scale.clients,
            plain: who % 4 == 3,
        };
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command
            .arg("client")
            .arg(serde_json::to_string(&orders).expect("orders"));
        command.spawn().expect("a client process")
    };
    let clients: Vec<Child> = (0..scale.clients).map(start).collect();
    for (who, mut client) in clients.into_iter().enumerate() {
        let ended = client.wait().expect("its end");
        assert!(
            ended.success(),
            "client {who} failed: {ended}; seed {}",
            scale.seed
        );
    }
}

/// Reads everything that is left, one group at a time.
async fn audit(store: &Store) -> Vec<Audit> {
    let clock = Clock::start();
    let mut audits = Vec::new();
    for group in groups() {
        let queues: Vec<Queue> = group
            .iter()
            .map(|rules| store.queue(PROJECT, rules.name).expect("a good name"))
            .collect();
        for queue in &queues {
            while !queue.gc().await.expect("gc") {}
            queue.carry_dead_letters().await.expect("letters carried");
            let violations = queue.check().await.expect("a check");
            assert!(violations.is_empty(), "parts do not agree: {violations:?}");
        }
        let from = clock.now() - SLACK;
        let mut rests = Vec::new();
        for queue in &queues {
            rests.push(rest(queue).await);
        }
        audits.push(Audit {
            from,
            to: clock.now() + SLACK,
            rests,
        });
    }
    audits
}

async fn rest(queue: &Queue) -> Rest {
    let mut rest = Rest::default();
    let mut marker = None;
    loop {
        let mut list = queue.list().claimed(true).delayed(true).limit(250);
        if let Some(marker) = marker {
            list = list.marker(marker);
        }
        let page = list.await.expect("a page");
        rest.messages
            .extend(page.messages.iter().map(|message| Seen {
                id: Id::parse(&message.id().to_string()).expect("an id"),
                claim: None,
                body: body_of(message),
            }));
        marker = page.messages.last().map(|message| message.id());
        if page.messages.is_empty() {
            break;
        }
    }
    let mut marker = None;
    loop {
        let mut list = queue.dead_letters().list().limit(250);
        if let Some(marker) = marker {
            list = list.marker(marker);
        }
        let page = list.await.expect("a page");
        rest.letters.extend(page.messages.iter().map(body_of));
        marker = page.messages.last().map(|message| message.id());
        if page.messages.is_empty() {
            break;
        }
    }
    let transit = queue.letters_in_transit().limit(250).await.expect("a page");
    let body = |letter: &marconi_redis::LetterInTransit| {
        letter.body::<String>().map(|text| Body::parse(&text))
    };
    rest.letters.extend(
        transit
            .letters
            .iter()
            .map(|letter| body(letter).unwrap_or(Body::FOREIGN)),
    );
    rest
}

/// One group after the other, so that no more than one is in memory.
fn check(dir: &Path, clients: u32, audits: &[Audit]) -> (Verdict, Vec<String>) {
    let mut all = Verdict::default();
    let mut failures = Vec::new();
    for (group, (rules, audit)) in groups().iter().zip(audits).enumerate() {
        let rules: &[Rules] = rules;
        match history::read(dir, group, clients) {
            Ok(ops) => {
                let verdict = checker::check(rules, &ops, audit);
                all.rates.merge(&verdict.rates);
                all.violations.extend(verdict.violations);
            }
            Err(error) => failures.push(error),
        }
    }
    (all, failures)
}

fn row(scale: &Scale, verdict: &Verdict) -> Row {
    let rates = &verdict.rates;
    Row {
        name: "histories",
        title: "Checked histories",
        tried: rates.of("operations"),
        unit: "operations",
        violations: verdict.violations.len() as u64,
        failures: tame(rates),
        details: details(scale, rates),
        command: scale.command("histories"),
    }
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

//! The checker of stored state at scale: beside traffic, bounded a call, and after damage of every kind; and repair.
//!
//! Guards what an operator does with a large queue in trouble: a check that cries wolf, stops the server, passes damage
//! over, or a repair that loses a message, is a violation here.

mod bounds;
mod damage;
mod drain;
mod furnish;
mod ledger;
mod targets;
mod traffic;
mod vandal;

use std::time::{Duration, Instant};

use marconi_redis::{Queue, Store};

use crate::common::Server;
use crate::report::Row;
use crate::rng::Rng;
use crate::scale::Scale;
use damage::Damage;
use ledger::Ledger;

const ABOUT: &str = "\
A queue is filled by posts of 250, some with ttls and delays of their own; some messages are claimed, by claims of 250 too, some
returned, some nacked with a delay. While several clients claim, delete, nack, release, renew, post and pop, it is checked and
repaired again and again: all is sound, so whatever is found is a false alarm. Then each call of a check is counted by what it
looks at and by the commands that it runs.

Then it is damaged by hand, in every way that the contract's table of violations has. Each damage has to be found under its
name; repaired, while clients claim and release beside it; and gone after that. No two records may list one message. At last all
claims and delays run out, and the queue is drained: each message that was ever posted, and not deleted, comes once. What would
hide other damage (of meta, or all of it) is done to a small queue, one at a time.

What it can't see: damage that leaves the parts in agreement, such as a lower count of tries; and how long a call takes, which is
told and not judged.
";

/// More than a scan hands out beyond what it was asked for.
const MOST_ENTRIES: u64 = 600;
/// About three a message that a call looks at, and those of its scan.
const MOST_COMMANDS: u64 = 1_200;

#[derive(Default)]
pub struct Findings {
    pub violations: u64,
    pub failures: Vec<String>,
    pub details: Vec<(String, String)>,
}

impl Findings {
    /// Something that was promised not to be.
    pub fn violated(&mut self, what: String) {
        self.violations += 1;
        if self.violations <= 20 {
            println!("  {what}");
        }
    }

    pub fn detail(&mut self, what: &str, text: impl ToString) {
        self.details.push((what.to_owned(), text.to_string()));
    }
}

pub fn prove(scale: &Scale) -> Row {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut findings = Findings::default();
    runtime.block_on(run(scale, &mut findings));
    Row {
        name: "check",
        title: "Check and repair of stored state",
        about: ABOUT,
        tried: u64::from(scale.operations),
        unit: "messages",
        violations: findings.violations,
        failures: findings.failures,
        details: findings.details,
        mutations: Vec::new(),
        command: scale.command("check"),
    }
}

async fn run(scale: &Scale, findings: &mut Findings) {
    let server = Server::start(&[]);
    let store = Store::connect(&server.url()).await.expect("the server");
    let mut connection = server.connection().await;
    let mut rng = Rng::of_stream(scale.seed, 77);
    let queue = store.queue("prove", "large").expect("a good name");
    let began = Instant::now();
    let ledger = Ledger::default();
    furnish::furnish(&queue, &ledger, scale.operations, &mut rng).await;
    lap(findings, "time to fill it", began);

    beside_traffic(scale, &store, &queue, &ledger, findings).await;
    let bounds = bounds::measure(&mut connection, &queue).await;
    bounds.tell(findings);

    let began = Instant::now();
    furnish::bring_back(&queue).await;
    let many = if scale.operations < 100_000 { 2 } else { 12 };
    let damages = vandal::spoil(&mut connection, &queue, &ledger, many, &mut rng).await;
    found(&queue, &damages, findings).await;
    let traffic = traffic::start(
        &store,
        &queue,
        &ledger,
        scale.seed + 1,
        traffic::Mood::Harmless,
    );
    let repairs = queue.repair().await.expect("a repair");
    traffic.stop().await;
    for repair in repairs.iter().filter(|repair| !repair.is_mended) {
        findings.violated(format!("left: {repair:?}"));
    }
    for violation in queue.check().await.expect("a check") {
        findings.violated(format!("not mended: {violation:?}"));
    }
    targets::no_two_claims(&mut connection, &queue, findings).await;
    findings.detail("damages", damages.len());
    let kinds: std::collections::BTreeSet<_> = damages.iter().map(|damage| damage.kind).collect();
    findings.detail("kinds of damage", kinds.len());
    findings.detail("repairs told", repairs.len());
    lap(findings, "time to damage, find and repair", began);

    let began = Instant::now();
    drain::drain(&store, &queue, &ledger, findings).await;
    lap(findings, "time to drain it", began);
    alone(&store, &mut connection, &mut rng, findings).await;
}

fn lap(findings: &mut Findings, what: &str, began: Instant) {
    findings.detail(what, format!("{:.0} s", began.elapsed().as_secs_f64()));
}

/// Rounds of check and repair, while clients are at work on what is sound.
async fn beside_traffic(
    scale: &Scale,
    store: &Store,
    queue: &Queue,
    ledger: &Ledger,
    findings: &mut Findings,
) {
    let began = Instant::now();
    let traffic = traffic::start(store, queue, ledger, scale.seed, traffic::Mood::Busy);
    let mut rounds = 0;
    while rounds < 1 || rounds < 8 && began.elapsed() < Duration::from_secs(2) {
        for violation in queue.check().await.expect("a check") {
            findings.violated(format!("false alarm: {violation:?}"));
        }
        for repair in queue.repair().await.expect("a repair") {
            findings.violated(format!("mended what was sound: {repair:?}"));
        }
        rounds += 1;
    }
    let counts = traffic.stop().await;
    findings.detail("checks beside traffic", rounds);
    findings.detail("repairs of what is sound, beside traffic", rounds);
    findings.detail("clients beside them", traffic::CLIENTS);
    for (what, count) in &counts {
        findings.detail(&format!("beside them: {what}"), count);
        if *count < 10 {
            findings
                .failures
                .push(format!("too tame: {what} {count} times"));
        }
    }
    lap(findings, "time of that", began);
}

/// Each damage is found, under its name.
async fn found(queue: &Queue, damages: &[Damage], findings: &mut Findings) {
    let found = queue.check().await.expect("a check");
    findings.detail("violations found after damage", found.len());
    for damage in damages {
        let names = |violation: &marconi_redis::Violation| {
            violation.sentence.contains(damage.sentence)
                && damage
                    .about
                    .as_ref()
                    .is_none_or(|about| *about == violation.about)
        };
        if !found.iter().any(names) {
            findings.violated(format!("not found: {damage:?}"));
        }
    }
}

/// What would hide other damage, each on a small queue of its own.
async fn alone(
    store: &Store,
    connection: &mut redis::aio::MultiplexedConnection,
    rng: &mut Rng,
    findings: &mut Findings,
) {
    for (n, (kind, command, sentence)) in damage::ALONE.iter().enumerate() {
        let queue = store
            .queue("prove", &format!("small-{n}"))
            .expect("a good name");
        let ledger = Ledger::default();
        furnish::furnish(&queue, &ledger, 1_000, rng).await;
        damage::on_its_own(connection, &queue, command).await;
        let found = queue.check().await.expect("a check");
        if !found
            .iter()
            .any(|violation| violation.sentence.contains(sentence))
        {
            findings.violated(format!("{kind}: not found, but {} others", found.len()));
        }
        for repair in queue.repair().await.expect("a repair") {
            if !repair.is_mended {
                findings.violated(format!("{kind}: left: {repair:?}"));
            }
        }
        let left = queue.check().await.expect("a check");
        if !left.is_empty() {
            findings.violated(format!("{kind}: not mended: {left:?}"));
        }
        drain::drain(store, &queue, &ledger, findings).await;
    }
    findings.detail(
        "kinds of damage, each on a queue of its own",
        damage::ALONE.len(),
    );
}

//! Receipts: what was acknowledged under durability is on the replica that takes the primary's place.
//!
//! Guards the word *acknowledged* where it counts: primaries that die with replicas stopped, cut off or behind, and
//! connections cut between a write and its receipt. Rounds in which nothing was lost prove nothing.

#[path = "../../common/proxy.rs"]
mod proxy;
mod round;
#[path = "../../durability/stage.rs"]
mod stage;
mod writer;

use std::collections::BTreeMap;

use crate::report::Row;
use crate::rng::Rng;
use crate::scale::Scale;

/// This proof's random numbers have nothing to do with the others'.
const STREAM: u64 = 0x6475_7261;

const ABOUT: &str = "\
Each round has a primary and one or two replicas. Tasks post with a token, claim, and delete what they claimed, under a
durability of all replicas; what they are told is unknown, some repeat on a connection that has written nothing. Meanwhile
replicas are stopped and go on, are cut off and come back, and the connections of all clients are cut. Then the primary is killed,
mostly when nothing has reached one of its replicas for a while, and that replica takes its place. Looked for there: every message whose post was acknowledged,
once; none whose deletion was; every claim that was, with its fence; no post that was called not done; and, after all that was
unknown has been repeated there, every message once.

What it can't see: a replica that lies, or loses its disk; more than one failover in a row; what becomes of receipts for a disk,
which no killed process shows. That a repeat writes nothing is dangerous on Redis 7.2 and later only, so on an older server a lost
mark would not be noticed here.
";

/// What happened, counted by name.
#[derive(Default)]
pub struct Tally {
    counts: BTreeMap<&'static str, u64>,
    violations: Vec<String>,
}

impl Tally {
    fn add(&mut self, what: &'static str, count: u64) {
        *self.counts.entry(what).or_default() += count;
    }

    fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    fn violation(&mut self, text: String) {
        self.violations.push(text);
    }

    fn merge(&mut self, other: Tally) {
        for (what, count) in other.counts {
            self.add(what, count);
        }
        self.violations.extend(other.violations);
    }
}

/// The least that has to have come of something in a round, in the middle.
const FLOORS: &[(&str, f64)] = &[
    ("acknowledged", 40.0),
    ("acknowledged deletions", 5.0),
    ("acknowledged claims, held to the end", 1.0),
    ("acknowledged when repeated", 0.5),
    ("unknown: not confirmed", 4.0),
    ("unknown: answer lost", 0.5),
    ("messages lost with the primary, all of them unknown", 0.5),
];

pub fn prove(scale: &Scale) -> Row {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut all = Tally::default();
    for number in 0..scale.failovers {
        let rng = Rng::of_stream(scale.seed, STREAM + u64::from(number));
        let tally = runtime.block_on(round::run(number, rng));
        for violation in &tally.violations {
            println!("round {number}: {violation}");
        }
        all.merge(tally);
    }
    let rounds = f64::from(scale.failovers);
    let tame = |(what, floor): &(&str, f64)| {
        let met = all.of(what) as f64 / rounds;
        (met < *floor).then(|| format!("too tame: {what} {met:.1} a round, at least {floor}"))
    };
    let mut details = vec![("failovers".to_owned(), scale.failovers.to_string())];
    let counts = all.counts.iter();
    details.extend(counts.map(|(what, count)| ((*what).to_owned(), count.to_string())));
    Row {
        name: "durability",
        title: "Acknowledged writes and failovers",
        about: ABOUT,
        tried: all.of("acknowledged"),
        unit: "acknowledged operations",
        violations: all.violations.len() as u64,
        failures: FLOORS.iter().filter_map(tame).collect(),
        details,
        mutations: Vec::new(),
        command: scale.command("durability"),
    }
}

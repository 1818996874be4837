//! How wild a history was: what met, what came back, what was refused, what was lost.
//!
//! Guards against proofs by quiet: a history in which little happened is no evidence, and fails its floors.

use std::collections::BTreeMap;

use super::book::Book;
use super::message::By;
use crate::history::{Call, Micros, Op, Outcome};

#[derive(Default, Clone, Debug)]
pub struct Rates {
    pub counts: BTreeMap<String, u64>,
    /// Others under way on the same queue, when an operation began; summed over all.
    pub met: u64,
}

impl Rates {
    fn add(&mut self, what: &str, count: u64) {
        *self.counts.entry(what.to_owned()).or_default() += count;
    }

    pub fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }

    pub fn merge(&mut self, other: &Rates) {
        for (what, count) in &other.counts {
            self.add(what, *count);
        }
        self.met += other.met;
    }

    pub fn overlap(&self) -> f64 {
        self.met as f64 / self.of("operations").max(1) as f64
    }

    /// One of another, in percent.
    pub fn percent(&self, what: &str, of: &str) -> f64 {
        100.0 * self.of(what) as f64 / self.of(of).max(1) as f64
    }
}

pub fn measure(book: &Book) -> Rates {
    let mut rates = Rates::default();
    rates.add("operations", book.ops.len() as u64);
    for op in book.ops {
        operation(&mut rates, op);
    }
    for q in 0..book.queues.len() {
        rates.met += met(book.ops, q);
        messages(book, q, &mut rates);
    }
    rates
}

fn operation(rates: &mut Rates, op: &Op) {
    let (verb, waits) = match &op.call {
        Call::Post { .. } => ("post", None),
        Call::Claim { wait, .. } => ("claim", *wait),
        Call::Get { .. } => ("claim_get", None),
        Call::Renew { .. } => ("renew", None),
        Call::Release { .. } => ("release", None),
        Call::Nack { .. } => ("nack", None),
        Call::Delete { .. } => ("delete", None),
        Call::Pop { wait, .. } => ("pop", *wait),
        Call::List { .. } => ("list", None),
        Call::Stats => ("stats", None),
    };
    rates.add(verb, 1);
    if waits.is_some() {
        rates.add("waits", 1);
    }
    match &op.got {
        Outcome::Refused { word, .. } => {
            rates.add("refused", 1);
            rates.add(&format!("refused {word}"), 1);
        }
        Outcome::Lost => rates.add("lost answers", 1),
        Outcome::Nothing => rates.add("empty-handed", 1),
        _ => {}
    }
}

/// For each operation on the queue, how many others had begun and not ended when it began.
fn met(ops: &[Op], q: usize) -> u64 {
    let here = || ops.iter().filter(|op| op.queue == q);
    let mut ends: Vec<Micros> = here().map(|op| op.ended).collect();
    ends.sort_unstable();
    let mut begins: Vec<Micros> = here().map(|op| op.begun).collect();
    begins.sort_unstable();
    let under_way = |(before, at): (usize, &Micros)| {
        let over = ends.partition_point(|end| end <= at);
        before.saturating_sub(over) as u64
    };
    begins.iter().enumerate().map(under_way).sum()
}

fn messages(book: &Book, q: usize, rates: &mut Rates) {
    let queue = &book.queues[q];
    for message in queue.messages.values() {
        rates.add("messages", 1);
        rates.add("deliveries", message.takes.len() as u64);
        rates.add("redelivered", message.takes.len().saturating_sub(1) as u64);
        if message.delay > 0 {
            rates.add("delayed", 1);
        }
        if message.letter_of.is_some() {
            rates.add("dead letters", 1);
        }
        for pair in message.takes.windows(2) {
            let By::Claim(claim) = pair[0].by else {
                continue;
            };
            if pair[0].hold.returns == queue.claims[claim].deadlines().0 * 1000 {
                rates.add("lapsed", 1);
            }
        }
        let popped = message.takes.last().is_some_and(|take| take.by == By::Pop);
        let removed = message.removals.iter().any(|removal| removal.counted);
        if message.expires() * 1000 <= book.audit.from && !popped && !removed && !message.is_left {
            rates.add("expired", 1);
        }
    }
    rates.add("dead letters", book.audit.rests[q].letters.len() as u64);
    rates.add("in doubt", queue.blind.len() as u64);
}

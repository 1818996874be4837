//! What was claimable and was not taken: no claim or pop is empty-handed, or takes a younger message, while an older one
//! was free all the time that the operation took.
//!
//! Guards that messages come back: one that is forgotten by its queue after a lapse, a nack or a delay shows here.

use super::book::{Book, Queue};
use super::cover::{Interval, containing, lower_containing};
use super::message::{By, Message};
use super::span::Span;
use super::{Kind, Violation};
use crate::history::{Call, Id, Micros, Outcome};

/// Claims look past so many delayed messages and no more; where more were delayed at once, a short answer is right.
const DELAYED: u64 = 200;

/// An operation as long as this may have given up the order, as the contract lets it.
const PATIENCE: Micros = 20_000_000;

pub fn check(book: &mut Book) {
    let mut found = Vec::new();
    for q in 0..book.queues.len() {
        passed_over(book, q, &mut found);
    }
    book.violations.extend(found);
}

/// Times in which a message was certainly claimable.
pub fn gaps(book: &Book, q: usize, message: &Message) -> Vec<Interval> {
    let mut gaps = Vec::new();
    let mut from = Some(message.born.hi.max(message.matures() + 999));
    for take in &message.takes {
        if let Some(from) = from {
            gaps.push(Interval {
                from,
                to: take.at.lo,
            });
        }
        from = take.hold.free_from;
    }
    // It is certain to have been there only if it was seen to be at the end.
    let counted = message.removals.iter().filter(|removal| removal.counted);
    let popped = message.takes.last().is_some_and(|take| take.by == By::Pop);
    let last = match message.is_left {
        true => Some(book.audit.from),
        false => counted.map(|removal| removal.span.lo).min(),
    };
    if let (Some(from), Some(last), false) = (from, last, popped) {
        let removed = message.removals.iter().map(|removal| removal.span.lo);
        gaps.push(Interval {
            from,
            to: removed.fold(last, Micros::min),
        });
    }
    gaps.retain(|gap| gap.from < gap.to);
    for blind in &book.queues[q].blind {
        gaps = gaps
            .into_iter()
            .flat_map(|gap| without(gap, blind.span))
            .collect();
    }
    gaps
}

/// What is left of a gap on the two sides of a span.
fn without(gap: Interval, span: Span) -> impl Iterator<Item = Interval> {
    let before = Interval {
        to: gap.to.min(span.lo),
        ..gap
    };
    let after = Interval {
        from: gap.from.max(span.hi),
        ..gap
    };
    [before, after]
        .into_iter()
        .filter(|part| part.from < part.to)
}

struct Taker {
    op: usize,
    span: Span,
    /// No younger one came; `None` where nothing more was to be had.
    youngest: Option<Id>,
}

fn takers(book: &Book, q: usize) -> Vec<Taker> {
    let queue = &book.queues[q];
    let mut takers = Vec::new();
    for (at, op) in book.ops.iter().enumerate().filter(|(_, op)| op.queue == q) {
        let (Call::Claim { limit, .. } | Call::Pop { limit, .. }) = op.call else {
            continue;
        };
        let span = Span::of(op);
        if op.ended.saturating_sub(op.begun) > PATIENCE {
            continue;
        }
        let (moment, messages) = match &op.got {
            Outcome::Nothing => (span, &[][..]),
            Outcome::Claimed {
                fence, messages, ..
            } => {
                let claim = &queue.claims[queue.by_fence[fence]];
                if claim.op != at || !claim.is_whole {
                    continue;
                }
                (claim.at, &messages[..])
            }
            Outcome::Popped { now, messages } => match book.tried(op).and(Span::of_ms(*now)) {
                Some(span) => (span, &messages[..]),
                None => continue,
            },
            _ => continue,
        };
        let youngest = messages
            .last()
            .map(|taken| taken.id)
            .filter(|_| messages.len() == limit);
        takers.push(Taker {
            op: at,
            span: moment,
            youngest,
        });
    }
    takers
}

fn passed_over(book: &Book, q: usize, found: &mut Vec<Violation>) {
    let queue = &book.queues[q];
    let ids: Vec<Id> = queue.messages.keys().copied().collect();
    let mut intervals = Vec::new();
    for (rank, message) in queue.messages.values().enumerate() {
        intervals.extend(
            gaps(book, q, message)
                .into_iter()
                .map(|gap| (gap, rank, rank)),
        );
    }
    let takers = takers(book, q);
    let crowd = delayed(queue, &takers);
    let question = |taker: &Taker| {
        let rank = taker
            .youngest
            .map_or(ids.len(), |id| ids.partition_point(|before| *before < id));
        (taker.span, rank)
    };
    let questions: Vec<_> = takers.iter().map(question).collect();
    let answers = lower_containing(&intervals, ids.len(), &questions);
    for ((taker, passed), crowd) in takers.iter().zip(answers).zip(crowd) {
        let Some(passed) = passed.filter(|_| crowd < DELAYED) else {
            continue;
        };
        let takes = &queue.messages[&ids[passed]].takes;
        let takes: Vec<_> = takes.iter().map(|take| book.show(take.op)).collect();
        let text = format!(
            "{}: {}; it was taken by {takes:?}",
            ids[passed],
            book.show(taker.op)
        );
        found.push(Violation {
            kind: Kind::PassedOver,
            text,
        });
    }
}

/// How many messages may have been delayed meanwhile, for each taker.
fn delayed(queue: &Queue, takers: &[Taker]) -> Vec<u64> {
    let waits = queue.messages.values().filter(|message| message.delay > 0);
    // One µs wider on each side, so that what touches is contained.
    let spans: Vec<_> = takers
        .iter()
        .map(|taker| Span {
            lo: taker.span.hi,
            hi: taker.span.hi,
        })
        .collect();
    let intervals: Vec<_> = waits
        .map(|message| Interval {
            from: message.born.lo,
            to: message.matures() + 1000,
        })
        .collect();
    containing(&intervals, &spans)
}

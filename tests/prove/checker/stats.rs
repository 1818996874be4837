//! Counts: what stats answered lies between what the queue certainly held, and what it may have held, at that time.
//!
//! Guards that counts are exact as far as can be seen from outside: the two bounds are a few messages apart.

use std::collections::HashSet;

use super::book::Book;
use super::cover::{Interval, containing, lower_containing, touching};
use super::free::gaps;
use super::message::{By, Message};
use super::span::Span;
use super::{Kind, Violation};
use crate::history::{Body, Call, Id, Outcome};

#[derive(Default)]
struct Bounds {
    sure: Vec<Interval>,
    maybe: Vec<Interval>,
}

impl Bounds {
    fn add(&mut self, sure: Interval, maybe: Interval) {
        if sure.from < sure.to {
            self.sure.push(sure);
        }
        self.maybe.push(maybe);
    }
}

/// Of one queue: all messages, the claimed and the delayed ones, and the dead.
#[derive(Default)]
struct Census {
    total: Bounds,
    claimed: Bounds,
    delayed: Bounds,
    dead: Bounds,
    free: Bounds,
}

pub fn check(book: &mut Book) {
    let mut found = Vec::new();
    for q in 0..book.queues.len() {
        let stats: Vec<usize> = (0..book.ops.len())
            .filter(|at| book.ops[*at].queue == q && matches!(book.ops[*at].call, Call::Stats))
            .filter(|at| matches!(book.ops[*at].got, Outcome::Counted { .. }))
            .collect();
        counts(book, q, &stats, &mut found);
        ends(book, q, &stats, &mut found);
    }
    book.violations.extend(found);
}

fn census(book: &Book, q: usize) -> Census {
    let mut census = Census::default();
    let queue = &book.queues[q];
    let kept: HashSet<Body> = match book.rules[q].dead_letters_to {
        None => book.audit.rests[q].letters.iter().copied().collect(),
        Some(_) => HashSet::new(),
    };
    for message in queue.messages.values() {
        let sure = Interval {
            from: message.born.hi,
            to: message.gone.lo,
        };
        let maybe = Interval {
            from: message.born.lo,
            to: message.gone.hi,
        };
        census.total.add(sure, maybe);
        claimed(message, &mut census.claimed);
        delayed(message, &mut census.delayed);
        let free = gaps(book, q, message).into_iter();
        census.free.sure.extend(free.map(|gap| Interval {
            to: gap.to.min(message.gone.lo),
            ..gap
        }));
        dead(book, q, message, &kept, &mut census.dead);
    }
    census.free.sure.retain(|gap| gap.from < gap.to);
    for (span, most) in &queue.unknown_posts {
        let interval = Interval {
            from: span.lo,
            to: u64::MAX,
        };
        census.total.maybe.extend((0..*most).map(|_| interval));
        census.delayed.maybe.extend((0..*most).map(|_| interval));
    }
    for blind in &queue.blind {
        let interval = Interval {
            from: blind.span.lo,
            to: blind.span.hi,
        };
        census
            .claimed
            .maybe
            .extend((0..blind.most).map(|_| interval));
    }
    census
}

fn claimed(message: &Message, bounds: &mut Bounds) {
    for take in message.takes.iter().filter(|take| take.by != By::Pop) {
        let to = take.hold.least.min(message.gone.lo);
        let sure = Interval {
            from: take.at.hi,
            to,
        };
        bounds.add(
            sure,
            Interval {
                from: take.at.lo,
                to: take.hold.most.max(take.at.lo),
            },
        );
    }
}

fn delayed(message: &Message, bounds: &mut Bounds) {
    if message.delay > 0 {
        let to = message.matures();
        let sure = Interval {
            from: message.born.hi,
            to: to.min(message.gone.lo),
        };
        bounds.add(
            sure,
            Interval {
                from: message.born.lo,
                to: to + 999,
            },
        );
    }
    for returned in message.returns.iter().filter(|returned| returned.delay > 0) {
        let to = returned.span.hi.saturating_add((returned.delay + 1) * 1000);
        bounds.maybe.push(Interval {
            from: returned.span.lo,
            to,
        });
    }
}

/// Kept letters stay; those in transit go at once, and are counted only while they are.
fn dead(book: &Book, q: usize, message: &Message, kept: &HashSet<Body>, bounds: &mut Bounds) {
    let Some(max) = book.rules[q].max_claims else {
        return;
    };
    let last = message
        .takes
        .last()
        .filter(|take| take.claims >= max && take.by != By::Pop);
    let blind = !book.queues[q].blind.is_empty();
    if last.is_none() && !blind {
        return;
    }
    let from = if blind {
        message.born.lo
    } else {
        last.map_or(0, |take| take.hold.least)
    };
    bounds.maybe.push(Interval { from, to: u64::MAX });
    if let (Some(take), true) = (last, kept.contains(&message.body)) {
        bounds.sure.push(Interval {
            from: take.hold.most,
            to: u64::MAX,
        });
    }
}

fn counts(book: &Book, q: usize, stats: &[usize], found: &mut Vec<Violation>) {
    let spans: Vec<Span> = stats.iter().map(|at| Span::of(&book.ops[*at])).collect();
    let census = census(book, q);
    let bounds = |bounds: &Bounds| {
        let least = containing(&bounds.sure, &spans);
        let most = touching(&bounds.maybe, &spans);
        least.into_iter().zip(most).collect::<Vec<_>>()
    };
    let total_bounds = bounds(&census.total);
    let claimed_bounds = bounds(&census.claimed);
    let delayed_bounds = bounds(&census.delayed);
    let dead_bounds = bounds(&census.dead);
    let free_least = containing(&census.free.sure, &spans);
    for (i, at) in stats.iter().enumerate() {
        let Outcome::Counted {
            free,
            claimed,
            delayed,
            total,
            dead,
            ..
        } = book.ops[*at].got
        else {
            continue;
        };
        let values = [
            ("total", total, total_bounds[i]),
            ("claimed", claimed, claimed_bounds[i]),
            ("delayed", delayed, delayed_bounds[i]),
            ("dead", dead, dead_bounds[i]),
            ("free", free, (free_least[i], total)),
        ];
        let mut wrong: Vec<String> = Vec::new();
        for (name, value, (least, most)) in values {
            if !(least..=most).contains(&value) {
                wrong.push(format!("{name} {value} is not in {least}..={most}"));
            }
        }
        if total != free.wrapping_add(claimed).wrapping_add(delayed) {
            wrong.push("the sum is wrong".into());
        }
        if !wrong.is_empty() {
            let text = format!("{}: {}", wrong.join(", "), book.show(*at));
            found.push(Violation {
                kind: Kind::Stats,
                text,
            });
        }
    }
}

/// The oldest and the newest message: none that was certainly there lies beyond.
fn ends(book: &Book, q: usize, stats: &[usize], found: &mut Vec<Violation>) {
    let messages = &book.queues[q].messages;
    let ids: Vec<Id> = messages.keys().copied().collect();
    let size = ids.len();
    let rank = |id: Id| ids.partition_point(|before| *before < id);
    let mut forward = Vec::new();
    let mut backward = Vec::new();
    for (at, message) in messages.values().enumerate() {
        let lives = Interval {
            from: message.born.hi,
            to: message.gone.lo,
        };
        forward.push((lives, at, at));
        backward.push((lives, size - 1 - at, at));
    }
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for at in stats {
        let Outcome::Counted { oldest, newest, .. } = book.ops[*at].got else {
            continue;
        };
        let span = Span::of(&book.ops[*at]);
        before.push((span, oldest.map_or(size, rank)));
        after.push((
            span,
            newest.map_or(size, |newest| size - 1 - rank(newest).min(size - 1)),
        ));
        for end in [oldest, newest].into_iter().flatten() {
            let lives = messages.get(&end).map(|message| message.maybe_lives(span));
            // A letter that nobody has claimed yet is not known.
            let is_letter = lives.is_none() && book.rules[0].dead_letters_to == Some(q);
            let is_unknown = lives.is_none() && !book.queues[q].unknown_posts.is_empty();
            if !lives.unwrap_or(is_letter || is_unknown) {
                let text = format!("{end} was not there: {}", book.show(*at));
                found.push(Violation {
                    kind: Kind::Stats,
                    text,
                });
            }
        }
    }
    let older = lower_containing(&forward, size, &before);
    let newer = lower_containing(&backward, size, &after);
    for ((at, older), newer) in stats.iter().zip(older).zip(newer) {
        for beyond in [older, newer].into_iter().flatten() {
            let text = format!("{} lies beyond: {}", ids[beyond], book.show(*at));
            found.push(Violation {
                kind: Kind::Stats,
                text,
            });
        }
    }
}

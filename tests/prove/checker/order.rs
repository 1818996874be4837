//! Orders: of ids, of fences, of messages in a reply, and of first deliveries.
//!
//! Guards FIFO: a message that was never handed out, and never delayed, goes before every younger one.

use std::collections::HashMap;

use super::book::Book;
use super::message::By;
use super::span::Span;
use super::{Kind, Violation};
use crate::history::{Call, Id, Outcome};

pub fn check(book: &mut Book) {
    let mut found = Vec::new();
    for q in 0..book.queues.len() {
        posts(book, q, &mut found);
        fences(book, q, &mut found);
        first_deliveries(book, q, &mut found);
    }
    clocks(book, &mut found);
    replies(book, &mut found);
    tokens(book, &mut found);
    book.violations.extend(found);
}

/// Reports each whose value is not above all that were certainly before it. Each is (when, value, operation).
fn growing<T: Ord + Copy + std::fmt::Display>(
    book: &Book,
    kind: Kind,
    values: &[(Span, T, T, usize)],
    found: &mut Vec<Violation>,
) {
    let mut by_end: Vec<_> = values.iter().collect();
    by_end.sort_by_key(|value| value.0.hi);
    let mut by_begin: Vec<_> = values.iter().collect();
    by_begin.sort_by_key(|value| value.0.lo);
    let mut ended = by_end.into_iter().peekable();
    let mut highest: Option<(T, usize)> = None;
    for (span, first, _, op) in by_begin {
        while let Some((_, _, last, op)) = ended.next_if(|value| value.0.hi < span.lo) {
            if highest.is_none_or(|(highest, _)| highest < *last) {
                highest = Some((*last, *op));
            }
        }
        if let Some((before, by)) = highest
            && before >= *first
        {
            let text = format!(
                "{first} after {before}: {} || {}",
                book.show(*op),
                book.show(by)
            );
            found.push(Violation { kind, text });
        }
    }
}

fn posts(book: &Book, q: usize, found: &mut Vec<Violation>) {
    let mut posts = Vec::new();
    for (at, op) in book.ops.iter().enumerate().filter(|(_, op)| op.queue == q) {
        let Outcome::Posted(ids) = &op.got else {
            continue;
        };
        let (Some(first), Some(last)) = (ids.first(), ids.last()) else {
            continue;
        };
        if !ids.is_sorted_by(|a, b| a < b) {
            found.push(Violation {
                kind: Kind::IdOrder,
                text: book.show(at),
            });
        }
        // One that only repeats what was posted before says nothing.
        if book.queues[q]
            .messages
            .get(first)
            .is_some_and(|m| m.born.hi <= Span::of(op).hi && m.born.lo >= Span::of(op).lo)
        {
            posts.push((Span::of(op), *first, *last, at));
        }
    }
    growing(book, Kind::IdOrder, &posts, found);
}

fn fences(book: &Book, q: usize, found: &mut Vec<Violation>) {
    let whole = book.queues[q].claims.iter().filter(|claim| claim.is_whole);
    let fences: Vec<_> = whole
        .map(|claim| {
            (
                Span::of(&book.ops[claim.op]),
                claim.fence,
                claim.fence,
                claim.op,
            )
        })
        .collect();
    growing(book, Kind::Fence, &fences, found);
    for (at, op) in book.ops.iter().enumerate().filter(|(_, op)| op.queue == q) {
        let (Call::Claim { claim, .. } | Call::Get { claim }) = &op.call else {
            continue;
        };
        let Outcome::Claimed { now, fence, .. } = &op.got else {
            continue;
        };
        let known = &book.queues[q].claims[book.queues[q].by_fence[fence]];
        if known.id != claim {
            let text = format!("{} || {}", book.show(at), book.show(known.op));
            found.push(Violation {
                kind: Kind::Fence,
                text,
            });
        }
        if matches!(op.call, Call::Claim { .. })
            && known.op == at
            && *fence < now * 1000
            && known.is_whole
        {
            found.push(Violation {
                kind: Kind::Fence,
                text: book.show(at),
            });
        }
    }
}

/// Claims by their fences, which is their order; pops by time.
fn first_deliveries(book: &Book, q: usize, found: &mut Vec<Violation>) {
    let queue = &book.queues[q];
    let mut claims: Vec<(u64, Id, bool, usize)> = Vec::new();
    let mut spans: Vec<(Span, Id, Id, usize)> = Vec::new();
    for message in queue.messages.values() {
        let Some(first) = message.takes.first() else {
            continue;
        };
        let never = first.claims == u64::from(first.by != By::Pop);
        let is_first = message.delay == 0 && never;
        if let By::Claim(claim) = first.by {
            claims.push((queue.claims[claim].fence, message.id, is_first, first.op));
        }
        if is_first && matches!(first.by, By::Pop) {
            spans.push((first.at, message.id, message.id, first.op));
        }
    }
    claims.sort_unstable();
    let mut highest: Option<(Id, usize)> = None;
    for same in claims.chunk_by(|a, b| a.0 == b.0) {
        for (_, id, is_first, op) in same {
            if let Some((before, by)) = highest.filter(|_| *is_first)
                && before > *id
            {
                let text = format!(
                    "{before} before {id}: {} || {}",
                    book.show(by),
                    book.show(*op)
                );
                found.push(Violation {
                    kind: Kind::Fifo,
                    text,
                });
            }
        }
        let last = same.iter().map(|(_, id, _, op)| (*id, *op)).max();
        highest = highest.max(last);
    }
    growing(book, Kind::Fifo, &spans, found);
}

/// The time that a reply tells lies within its operation. A repeated pop tells that of the first.
fn clocks(book: &Book, found: &mut Vec<Violation>) {
    for (at, op) in book.ops.iter().enumerate() {
        let (Outcome::Claimed { now, .. } | Outcome::Renewed { now, .. }) = op.got else {
            continue;
        };
        if Span::of(op).and(Span::of_ms(now)).is_none() {
            found.push(Violation {
                kind: Kind::Clock,
                text: book.show(at),
            });
        }
    }
}

fn replies(book: &Book, found: &mut Vec<Violation>) {
    for (at, op) in book.ops.iter().enumerate() {
        let sorted = match &op.got {
            Outcome::Claimed { messages, .. } | Outcome::Popped { messages, .. } => {
                messages.is_sorted_by(|a, b| a.id < b.id)
            }
            Outcome::Page(page) => page.is_sorted_by(|a, b| a.id < b.id),
            _ => true,
        };
        if !sorted {
            found.push(Violation {
                kind: Kind::ReplyOrder,
                text: book.show(at),
            });
        }
        let asked = match &op.call {
            Call::Claim { limit, .. } | Call::Pop { limit, .. } | Call::List { limit } => *limit,
            _ => usize::MAX,
        };
        let came = match &op.got {
            Outcome::Claimed { messages, .. } | Outcome::Popped { messages, .. } => messages.len(),
            Outcome::Page(page) => page.len(),
            _ => 0,
        };
        let is_repeat = matches!(&op.got, Outcome::Claimed { fence, .. }
            if { let queue = &book.queues[op.queue]; queue.claims[queue.by_fence[fence]].op != at });
        if came > asked && !is_repeat {
            found.push(Violation {
                kind: Kind::ReplyOrder,
                text: book.show(at),
            });
        }
    }
}

/// A token that was used for one post is good for no other.
fn tokens(book: &Book, found: &mut Vec<Violation>) {
    let mut used: HashMap<(usize, &str), (u32, u32, usize)> = HashMap::new();
    for (at, op) in book.ops.iter().enumerate() {
        let (
            Call::Post {
                token: Some(token),
                stem,
                count,
                ..
            },
            Outcome::Posted(_),
        ) = (&op.call, &op.got)
        else {
            continue;
        };
        let (first_stem, first_count, first) =
            *used.entry((op.queue, token)).or_insert((*stem, *count, at));
        if (first_stem, first_count) != (*stem, *count) {
            let text = format!("{} || {}", book.show(first), book.show(at));
            found.push(Violation {
                kind: Kind::Token,
                text,
            });
        }
    }
}

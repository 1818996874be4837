//! Granted claims and their renewals, put into the book.
//!
//! Guards which answer made a claim: one whose time is not after the fence. The others are repeats, and a claim that
//! nobody was told of leaves a time in which nothing is certain.

use std::collections::HashMap;

use super::Kind;
use super::book::{Blind, Book, Claim, Renewal, show};
use super::build::take;
use super::message::By;
use super::span::Span;
use crate::history::{Call, Micros, Op, Outcome};

pub fn claims(book: &mut Book) {
    let mut answers: HashMap<(usize, u64), usize> = HashMap::new();
    for (at, op) in book.ops.iter().enumerate() {
        let (Call::Claim { claim, .. } | Call::Get { claim }) = &op.call else {
            continue;
        };
        if op.got == Outcome::Lost && matches!(op.call, Call::Claim { .. }) {
            book.queues[op.queue]
                .named
                .entry(claim)
                .or_default()
                .lost
                .push(at);
        }
        let Outcome::Claimed { now, fence, .. } = &op.got else {
            continue;
        };
        let first = answers.entry((op.queue, *fence)).or_insert(at);
        if let Outcome::Claimed { now: before, .. } = book.ops[*first].got {
            let is_made = |op: &Op| matches!(op.call, Call::Claim { .. });
            let key = |op: &Op, now: u64| (now, !is_made(op), op.begun);
            if key(op, *now) < key(&book.ops[*first], before) {
                *first = at;
            }
        }
    }
    let mut made: Vec<_> = answers.into_iter().collect();
    made.sort_unstable();
    for ((queue, _), at) in made {
        grant(book, queue, at);
    }
    for op in book.ops {
        renewed(book, op);
    }
    for queue in &mut book.queues {
        for claim in &mut queue.claims {
            claim.renewals[1..].sort_by_key(|renewal| (renewal.now, renewal.span.lo));
        }
    }
    blind(book);
}

fn grant(book: &mut Book, queue: usize, at: usize) {
    let op = &book.ops[at];
    let (Call::Claim { claim: id, .. } | Call::Get { claim: id }) = &op.call else {
        return;
    };
    let Outcome::Claimed {
        now,
        fence,
        deadline,
        messages,
    } = &op.got
    else {
        return;
    };
    let is_whole = now * 1000 <= *fence && matches!(op.call, Call::Claim { .. });
    let by_fence = Span {
        lo: (fence / 1000) * 1000,
        hi: *fence,
    };
    let span = Span::of(op)
        .and(Span::of_ms(*now))
        .and_then(|span| span.and(by_fence));
    let at_ = if is_whole {
        span.unwrap_or(by_fence)
    } else {
        by_fence
    };
    let (ttl, grace) = match op.call {
        Call::Claim { ttl, grace, .. } => (ttl, grace),
        _ => (0, 0),
    };
    let renewal = Renewal {
        span: at_,
        now: fence / 1000,
        ttl,
        grace,
        deadline: *deadline,
    };
    let claims = &mut book.queues[queue].claims;
    let index = claims.len();
    claims.push(Claim {
        id,
        fence: *fence,
        at: at_,
        op: at,
        is_whole,
        messages: messages.iter().map(|message| message.id).collect(),
        renewals: vec![renewal],
        doubtful: Vec::new(),
        end: Span {
            lo: 0,
            hi: Micros::MAX,
        },
    });
    book.queues[queue].by_fence.insert(*fence, index);
    book.queues[queue]
        .named
        .entry(id)
        .or_default()
        .granted
        .push(index);
    for taken in messages {
        take(book, queue, at, By::Claim(index), at_, fence / 1000, taken);
    }
}

fn renewed<'a>(book: &mut Book<'a>, op: &'a Op) {
    let Call::Renew { claim, ttl, grace } = &op.call else {
        return;
    };
    let (span, queue) = (Span::of(op), &mut book.queues[op.queue]);
    let (ttl, grace) = (*ttl, *grace);
    match op.got {
        Outcome::Renewed {
            now,
            fence,
            deadline,
        } => {
            let known = queue.by_fence.get(&fence).map(|at| &mut queue.claims[*at]);
            let renewal = Renewal {
                span,
                now,
                ttl,
                grace,
                deadline,
            };
            match known {
                Some(known) if known.id == claim => known.renewals.push(renewal),
                // Of a claim whose answer was lost, and that nobody asked for again.
                None if queue
                    .named
                    .get(&**claim)
                    .is_some_and(|n| !n.lost.is_empty()) => {}
                _ => {
                    let text = show(book.rules, op);
                    book.report(Kind::Fence, text);
                }
            }
        }
        Outcome::Lost => {
            let granted = queue.named.get(&**claim).map(|named| named.granted.clone());
            for at in granted.unwrap_or_default() {
                let renewal = Renewal {
                    span,
                    now: 0,
                    ttl,
                    grace,
                    deadline: 0,
                };
                queue.claims[at].doubtful.push(renewal);
            }
        }
        _ => {}
    }
}

/// Times in which claims that nobody was told of may have held something.
fn blind(book: &mut Book) {
    for (at, op) in book.ops.iter().enumerate() {
        let (
            Call::Claim {
                claim, ttl, limit, ..
            },
            Outcome::Lost,
        ) = (&op.call, &op.got)
        else {
            continue;
        };
        let queue = &mut book.queues[op.queue];
        let span = Span::of(op);
        // Told by an answer that is certainly a repeat. One that may have made the claim itself may have come after
        // one that lapsed.
        let found = queue.named[&**claim].granted.iter().any(|granted| {
            let granted = &queue.claims[*granted];
            !granted.is_whole && granted.at.lo <= span.hi && granted.at.hi >= span.lo
        });
        if found {
            continue;
        }
        // Asked for again at once, and it was not there: it held nothing by then.
        let lapses = span.hi.saturating_add(ttl * 1000 + 999);
        let again = book.ops[at + 1..]
            .iter()
            .take_while(|next| next.begun < lapses)
            .find(|next| {
                next.begun >= op.ended
                    && next.who == op.who
                    && next.queue == op.queue
                    && matches!(&next.call, Call::Claim { claim: asked, .. } if asked == claim)
                    && matches!(next.got, Outcome::Nothing | Outcome::Claimed { .. })
            });
        let hi = again.map_or(lapses, |again| Span::of(again).hi.min(lapses));
        let blind = Blind {
            span: Span { lo: span.lo, hi },
            most: *limit as u64,
        };
        queue.blind.push(blind);
    }
}

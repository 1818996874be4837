//! Deletes, releases and nacks, put into the book.
//!
//! Guards the difference between an operation that was done and one that may have been.

use super::book::{Book, Named};
use super::message::{Removal, Return};
use super::span::Span;
use crate::history::{Call, Op, Outcome};

/// How many operations of all clients later a repeat is looked for.
const AGAIN: usize = 5_000;

/// Done, so many, or perhaps.
pub fn ended(book: &mut Book, at: usize, done: Option<u64>) {
    let op = &book.ops[at];
    let span = Span::of(op);
    let queue = &mut book.queues[op.queue];
    let is_done = done.is_some();
    match &op.call {
        Call::Release { claim, .. } if done != Some(0) => {
            let named: &mut Named = queue.named.entry(claim).or_default();
            named.releases.push(at);
        }
        Call::Nack { ids, delay, .. } => {
            for id in ids {
                if let Some(message) = queue.messages.get_mut(id) {
                    message.returns.push(Return {
                        op: at,
                        span,
                        delay: *delay,
                        is_done,
                    });
                }
            }
        }
        Call::Delete { ids, .. } => {
            let mut distinct = ids.clone();
            distinct.sort_unstable();
            distinct.dedup();
            let counted = done == Some(distinct.len() as u64);
            for id in distinct {
                if let Some(message) = queue.messages.get_mut(&id) {
                    message.removals.push(Removal {
                        op: at,
                        span,
                        is_done,
                        counted,
                    });
                }
            }
        }
        // Whoever has a token asks again, and is told what the first one took.
        Call::Pop { limit, token, .. } if !is_done => {
            let asked =
                |next: &Op| next.who == op.who && next.call == op.call && next.got != Outcome::Lost;
            if token.is_none() || !book.ops[at..].iter().take(AGAIN).any(asked) {
                queue.unknown_pops.push((span, *limit as u64));
            }
        }
        _ => {}
    }
}

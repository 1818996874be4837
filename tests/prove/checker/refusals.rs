//! Every refusal has a cause, and what has no effect says so.
//!
//! Guards against a queue that keeps its promises by refusing: a claim that lives is never told that it is gone, and a
//! message that is there is never told to be.

use std::collections::HashMap;

use super::book::{Book, Queue};
use super::message::{By, Message};
use super::span::Span;
use super::{Kind, Violation};
use crate::history::{Call, Id, Op, Outcome};

pub fn check(book: &mut Book) {
    let mut found = Vec::new();
    let tokens = tokens(book.ops);
    for (at, op) in book.ops.iter().enumerate() {
        let queue = &book.queues[op.queue];
        let case = Case {
            book,
            queue,
            op,
            span: Span::of(op),
            tokens: &tokens,
        };
        let is_right = match &op.got {
            Outcome::Refused { word, about } => case.is_justified(word, Id::parse(about)),
            Outcome::Done(count) => case.counts(*count),
            _ => true,
        };
        if !is_right {
            found.push(Violation {
                kind: Kind::Refusal,
                text: book.show(at),
            });
        }
    }
    book.violations.extend(found);
}

struct Case<'c, 'a> {
    book: &'c Book<'a>,
    queue: &'c Queue<'a>,
    op: &'c Op,
    span: Span,
    tokens: &'c Tokens<'a>,
}

/// Which operations used a token of a queue.
type Tokens<'a> = HashMap<(usize, &'a str), Vec<usize>>;

fn tokens<'a>(ops: &'a [Op]) -> Tokens<'a> {
    let mut tokens: Tokens<'a> = HashMap::new();
    for (at, op) in ops.iter().enumerate() {
        if let Call::Post {
            token: Some(token), ..
        }
        | Call::Pop {
            token: Some(token), ..
        } = &op.call
        {
            tokens.entry((op.queue, token)).or_default().push(at);
        }
    }
    tokens
}

impl Case<'_, '_> {
    fn is_justified(&self, word: &str, about: Option<Id>) -> bool {
        let message = about.and_then(|id| self.queue.messages.get(&id));
        let claims = &self.queue.claims;
        let blind = self.queue.is_blind(self.span);
        match (&self.op.call, word) {
            (Call::Delete { claim: None, .. }, "CLAIMED") => {
                message.is_some_and(|m| blind || m.is_maybe_held(self.span, |_| true))
            }
            (
                Call::Delete {
                    claim: Some(claim), ..
                }
                | Call::Nack { claim, .. },
                "NOTYOURS",
            ) => {
                let other = |of: usize| claims[of].id != claim;
                message.is_some_and(|m| blind || m.is_maybe_held(self.span, other))
            }
            (Call::Delete { claim: Some(_), .. }, "NOTCLAIMED")
            | (Call::Nack { .. }, "NOTCLAIMED") => {
                message.is_some_and(|m| m.maybe_lives(self.span) && !self.was_held_throughout(m.id))
            }
            // Of a delete the refusal says whose message it is; the library passes on the claim alone.
            (
                Call::Delete {
                    claim: Some(claim), ..
                },
                "CLAIMGONE",
            ) => !self.surely_lives(claim),
            (
                Call::Nack { claim, .. } | Call::Renew { claim, .. } | Call::Get { claim },
                "CLAIMGONE",
            ) => !self.surely_lives(claim),
            (Call::Nack { .. }, "MESSAGEGONE") => {
                message.is_none_or(|m| !m.surely_lives(self.span))
            }
            // The delay is not less than what is left of the ttl.
            (
                Call::Nack {
                    ids, delay, claim, ..
                },
                "BADARG",
            ) => ids.iter().any(|id| {
                let message = self.queue.messages.get(id);
                let takes = message.into_iter().flat_map(|message| &message.takes);
                let mut own =
                    takes.filter(|take| matches!(take.by, By::Claim(of) if claims[of].id == claim));
                own.any(|take| *delay > 0 && take.expires <= self.span.hi / 1000 + delay)
            }),
            (
                Call::Post {
                    token: Some(token),
                    stem,
                    ..
                },
                "TOKENREUSED",
            ) => self.was_used(token, *stem),
            _ => false,
        }
    }

    /// Some claim held it, from before the operation to after it.
    fn was_held_throughout(&self, id: Id) -> bool {
        let message = &self.queue.messages[&id];
        let removed = message
            .removals
            .iter()
            .any(|removal| removal.span.lo <= self.span.hi);
        !removed && message.is_surely_held(self.span, |_| true)
    }

    fn surely_lives(&self, claim: &str) -> bool {
        let granted = self.queue.named.get(claim).map(|named| &named.granted[..]);
        granted.unwrap_or_default().iter().any(|claim| {
            let claim = &self.queue.claims[*claim];
            claim.at.hi < self.span.lo && self.span.hi < claim.end.lo
        })
    }

    fn was_used(&self, token: &str, stem: u32) -> bool {
        let uses = self.tokens.get(&(self.op.queue, token));
        uses.into_iter()
            .flatten()
            .map(|at| &self.book.ops[*at])
            .any(|op| {
                let other = !matches!(op.call, Call::Post { stem: of, .. } if of == stem);
                other && op.begun <= self.op.ended
            })
    }

    /// How many were deleted, let go, or given back.
    fn counts(&self, count: u64) -> bool {
        match &self.op.call {
            Call::Release { claim, .. } => self.released(claim, count),
            Call::Nack { ids, .. } => count == distinct(ids),
            Call::Delete { ids, .. } => {
                // What was certainly there, and is not counted, was lost or is not deleted.
                let stays = |id: &&Id| {
                    let message = self.queue.messages.get(id);
                    message.is_some_and(|m| self.had_to_go(m))
                };
                let mut there: Vec<Id> = ids.iter().filter(stays).copied().collect();
                there.sort_unstable();
                there.dedup();
                there.len() as u64 <= count && count <= distinct(ids)
            }
            _ => true,
        }
    }

    /// It was in the queue when the operation began, and nothing but this can have taken it out.
    fn had_to_go(&self, message: &Message) -> bool {
        let others = message
            .removals
            .iter()
            .filter(|removal| !std::ptr::eq(&self.book.ops[removal.op], self.op));
        let first = others
            .map(|removal| removal.span.lo)
            .min()
            .unwrap_or(u64::MAX);
        let popped = message.takes.iter().filter(|take| take.by == By::Pop);
        let popped = popped.map(|take| take.at.lo).min().unwrap_or(u64::MAX);
        let dead = message
            .takes
            .last()
            .filter(|take| take.hold.free_from.is_none());
        let dead = dead.map_or(u64::MAX, |take| take.hold.least);
        let expires = message.expires() * 1000;
        message.born.hi < self.span.lo
            && self.span.hi < first.min(popped).min(dead).min(expires)
            && !self.queue.is_blind(Span {
                lo: message.born.lo,
                hi: self.span.hi,
            })
    }

    fn released(&self, claim: &str, count: u64) -> bool {
        let Some(named) = self.queue.named.get(claim) else {
            return count == 0;
        };
        let granted: Vec<_> = named
            .granted
            .iter()
            .map(|claim| &self.queue.claims[*claim])
            .collect();
        let is_unknown = !named.lost.is_empty();
        let of = |index: usize| self.queue.claims[index].id == claim;
        let messages = granted.iter().flat_map(|claim| &claim.messages);
        let (mut least, mut most) = (0, 0);
        let mut ids: Vec<Id> = messages.copied().collect();
        ids.sort_unstable();
        ids.dedup();
        for message in ids.iter().filter_map(|id| self.queue.messages.get(id)) {
            most += u64::from(message.is_maybe_held(self.span, of));
            // The release itself is what ends the hold.
            let held = message.takes.iter().any(|take| {
                let By::Claim(index) = take.by else {
                    return false;
                };
                let claim = &self.queue.claims[index];
                of(index)
                    && take.at.hi < self.span.lo
                    && self.span.hi < claim.deadlines().0 * 1000
                    && self.is_untouched(message, take.at)
            });
            least += u64::from(held);
        }
        least <= count && (count <= most || is_unknown)
    }

    /// Nothing else can have ended the claim's hold before the operation was over.
    fn is_untouched(&self, message: &Message, since: Span) -> bool {
        let meets = |span: Span| span.lo <= self.span.hi && since.lo <= span.hi;
        let named = |op: usize| !std::ptr::eq(&self.book.ops[op], self.op);
        let taken = message
            .takes
            .iter()
            .any(|take| take.at.lo > since.lo && take.at.lo <= self.span.hi);
        let removed = message.removals.iter().any(|removal| meets(removal.span));
        let returned = message.returns.iter().any(|returned| meets(returned.span));
        let released = message
            .takes
            .iter()
            .filter(|take| take.at == since)
            .any(|take| {
                let By::Claim(claim) = take.by else {
                    return false;
                };
                let named_ = &self.queue.named[self.queue.claims[claim].id];
                named_
                    .releases
                    .iter()
                    .any(|op| named(*op) && meets(Span::of(&self.book.ops[*op])))
            });
        !taken && !removed && !returned && !released
    }
}

fn distinct(ids: &[Id]) -> u64 {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids.len() as u64
}

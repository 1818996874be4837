//! What a history says of one message.
//!
//! Guards that every piece of evidence about it is at one place, in the order in which the server gave it out.

use super::span::Span;
use crate::history::{Body, Id, Micros};

/// By what a message was taken: a claim (its index in the book), or a pop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Claim(usize),
    Pop,
}

/// How long a take lasts, as far as it can be known.
#[derive(Clone, Copy, Debug)]
pub struct Hold {
    /// Before this the claim's hold did not end; deletion of the message is not counted.
    pub least: Micros,
    /// After this it was over.
    pub most: Micros,
    /// From then on the message was certainly claimable, unless it was gone or taken.
    pub free_from: Option<Micros>,
    /// Before this nobody else could have it: as `least`, with the delay of a nack.
    pub returns: Micros,
    /// Whether it may have ended so that the try counts, and so that it does not.
    pub counted: bool,
    pub uncounted: bool,
}

#[derive(Clone, Debug)]
pub struct Take {
    pub by: By,
    pub at: Span,
    /// The server's ms.
    pub now: u64,
    pub claims: u64,
    /// When the message expires, by this reply, in ms.
    pub expires: u64,
    pub op: usize,
    pub hold: Hold,
}

/// An operation that deletes it, or may have.
#[derive(Clone, Copy, Debug)]
pub struct Removal {
    pub op: usize,
    pub span: Span,
    /// It was answered: afterwards the message is gone.
    pub is_done: bool,
    /// And it was this that deleted it.
    pub counted: bool,
}

/// A nack that names it, done or perhaps done.
#[derive(Clone, Copy, Debug)]
pub struct Return {
    pub op: usize,
    pub span: Span,
    pub delay: u64,
    pub is_done: bool,
}

#[derive(Clone, Debug)]
pub struct Message {
    pub id: Id,
    pub body: Body,
    pub born: Span,
    pub ttl: u64,
    pub delay: u64,
    pub takes: Vec<Take>,
    pub removals: Vec<Removal>,
    pub returns: Vec<Return>,
    pub seen: Vec<Span>,
    /// It was there when all had gone.
    pub is_left: bool,
    /// It is a dead letter of this message of the group's first queue.
    pub letter_of: Option<Id>,
    /// Earliest and latest moment at which it was gone, dead or expired. Set with the holds.
    pub gone: Span,
}

impl Message {
    pub fn new(id: Id, body: Body, born: Span, ttl: u64, delay: u64) -> Self {
        Message {
            id,
            body,
            born,
            ttl,
            delay,
            takes: Vec::new(),
            removals: Vec::new(),
            returns: Vec::new(),
            seen: Vec::new(),
            is_left: false,
            letter_of: None,
            gone: Span {
                lo: Micros::MAX,
                hi: Micros::MAX,
            },
        }
    }

    /// When its first delay ends, in µs.
    pub fn matures(&self) -> Micros {
        (self.id.0 + self.delay) * 1000
    }

    /// The least that its expiry can be, in ms: a claim only makes it later.
    pub fn expires(&self) -> u64 {
        let taken = self.takes.iter().map(|take| take.expires);
        taken.fold(self.id.0 + self.ttl, u64::max)
    }

    /// Since when it may have gone, by what is known of it: it was there before.
    pub fn last_seen(&self) -> Micros {
        let taken = self.takes.iter().map(|take| take.at.lo);
        let seen = self.seen.iter().map(|seen| seen.lo);
        let removed = self.removals.iter().filter(|removal| removal.counted);
        let removed = removed.map(|removal| removal.span.lo);
        let all = taken.chain(seen).chain(removed);
        all.fold(self.born.lo, Micros::max)
    }

    /// Some claim that `by` holds for certainly held it all the time.
    pub fn is_surely_held(&self, span: Span, by: impl Fn(usize) -> bool) -> bool {
        self.takes.iter().any(|take| {
            let By::Claim(claim) = take.by else {
                return false;
            };
            by(claim) && take.at.hi < span.lo && span.hi < take.hold.least
        })
    }

    /// Some claim that `by` holds for may have held it at some moment.
    pub fn is_maybe_held(&self, span: Span, by: impl Fn(usize) -> bool) -> bool {
        self.takes.iter().any(|take| {
            let By::Claim(claim) = take.by else {
                return false;
            };
            by(claim) && take.at.lo <= span.hi && span.lo <= take.hold.most
        })
    }

    /// It was in the queue all the time, and no dead one.
    pub fn surely_lives(&self, span: Span) -> bool {
        self.born.hi < span.lo && span.hi < self.gone.lo
    }

    pub fn maybe_lives(&self, span: Span) -> bool {
        self.born.lo <= span.hi && span.lo <= self.gone.hi
    }
}

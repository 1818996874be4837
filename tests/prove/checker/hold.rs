//! How long each claim, and each hold of a claim on a message, lasted: at least and at most.
//!
//! Guards the two readings of doubt: what is to be legal only after an end takes the earliest one, what is to be
//! certain while a claim lives takes it too, and what is to be free takes the latest.

use super::book::{Book, Claim, Queue};
use super::message::{By, Hold, Message};
use super::span::Span;
use crate::history::{Call, Id, Micros, Op, Outcome};

const NEVER: Micros = Micros::MAX;

pub fn compute(book: &mut Book) {
    for q in 0..book.queues.len() {
        let max_claims = book.rules[q].max_claims;
        let ids: Vec<Id> = book.queues[q].messages.keys().copied().collect();
        for id in ids {
            let queue = &mut book.queues[q];
            let message = queue.messages.get_mut(&id).expect("its own");
            let fence = |by: By| match by {
                By::Claim(claim) => queue.claims[claim].fence,
                By::Pop => u64::MAX,
            };
            message
                .takes
                .sort_by_key(|take| (fence(take.by), take.at.lo));
            let message = &queue.messages[&id];
            let holds: Vec<Hold> = (0..message.takes.len())
                .map(|at| hold(book.ops, queue, message, at, max_claims))
                .collect();
            let message = queue.messages.get_mut(&id).expect("its own");
            for (take, hold) in message.takes.iter_mut().zip(holds) {
                take.hold = hold;
            }
            let gone = gone(&book.queues[q], &book.queues[q].messages[&id], max_claims);
            book.queues[q].messages.get_mut(&id).expect("its own").gone = gone;
        }
        let queue = &mut book.queues[q];
        let ends: Vec<Span> = queue
            .claims
            .iter()
            .map(|claim| end(book.ops, queue, claim))
            .collect();
        for (claim, end) in queue.claims.iter_mut().zip(ends) {
            claim.end = end;
        }
    }
}

fn is_done(op: &Op) -> bool {
    matches!(op.got, Outcome::Done(_))
}

/// What has ended a hold, by one kind of operation: perhaps, and for certain.
#[derive(Default)]
struct Ends {
    /// The first moment at which one may have: of the end, and of the message's return.
    first: Option<(Micros, Micros)>,
    /// One that did: by when it had, and from when on the message was free.
    certain: Option<(Micros, Micros)>,
    /// The latest return of one that may have.
    latest: Micros,
    counted: bool,
    uncounted: bool,
}

impl Ends {
    fn add(&mut self, span: Span, delay: u64, untried: bool, is_certain: bool) {
        let returns = span.lo.saturating_add(delay * 1000);
        let (least, soonest) = self.first.unwrap_or((NEVER, NEVER));
        self.first = Some((least.min(span.lo), soonest.min(returns)));
        // A delay ends with a ms of the server's.
        let rest = if delay > 0 { (delay + 1) * 1000 } else { 0 };
        let free = span.hi.saturating_add(rest);
        self.latest = self.latest.max(free);
        if is_certain {
            self.certain = Some((span.hi, free));
        }
        self.counted |= !untried;
        self.uncounted |= untried;
    }
}

fn hold(ops: &[Op], queue: &Queue, message: &Message, at: usize, max: Option<u64>) -> Hold {
    let take = &message.takes[at];
    let next = message.takes.get(at + 1);
    let By::Claim(index) = take.by else {
        return Hold {
            least: 0,
            most: 0,
            free_from: None,
            returns: NEVER,
            counted: false,
            uncounted: false,
        };
    };
    let claim = &queue.claims[index];
    // What can have ended this hold: not one of the same id, of before or after.
    let heirs = queue.named[claim.id]
        .granted
        .iter()
        .map(|heir| &queue.claims[*heir]);
    let heirs = heirs
        .filter(|heir| heir.fence > claim.fence)
        .map(|heir| heir.at);
    let after: Vec<Span> = heirs.chain(next.map(|next| next.at)).collect();
    let concerns =
        |span: Span| span.hi >= take.at.lo && after.iter().all(|after| span.lo <= after.hi);
    let is_certain = |op: &Op| {
        let span = Span::of(op);
        is_done(op) && take.at.is_before(span) && after.iter().all(|after| span.is_before(*after))
    };
    let (mut releases, mut nacks) = (Ends::default(), Ends::default());
    for op in queue.named[claim.id].releases.iter().map(|op| &ops[*op]) {
        if let Call::Release { untried, .. } = op.call
            && concerns(Span::of(op))
        {
            releases.add(Span::of(op), 0, untried, is_certain(op));
        }
    }
    for returned in message
        .returns
        .iter()
        .filter(|returned| concerns(returned.span))
    {
        let op = &ops[returned.op];
        if let Call::Nack {
            claim: of, untried, ..
        } = &op.call
            && of == claim.id
        {
            nacks.add(returned.span, returned.delay, *untried, is_certain(op));
        }
    }
    let mut hold = lapse(claim.deadlines(), next.map(|next| next.now));
    hold.end(&releases);
    hold.end(&nacks);
    hold.close(message, at, max);
    hold
}

/// A hold that ends with its claim's time.
fn lapse((least, most): (u64, u64), next: Option<u64>) -> Hold {
    let most = most.saturating_mul(1000).saturating_add(999);
    Hold {
        least: least * 1000,
        most,
        free_from: Some(most),
        returns: least * 1000,
        counted: next.is_none_or(|next| next >= least),
        uncounted: false,
    }
}

impl Hold {
    /// One kind of operation that may have ended it. Where one did for certain, no earlier kind has.
    fn end(&mut self, ends: &Ends) {
        let Some((least, returns)) = ends.first else {
            return;
        };
        self.least = self.least.min(least);
        if let Some((most, free)) = ends.certain {
            self.returns = returns;
            (self.counted, self.uncounted) = (ends.counted, ends.uncounted);
            self.most = self.most.min(most);
            self.free_from = Some(free);
        } else {
            self.returns = self.returns.min(returns);
            self.counted |= ends.counted;
            self.uncounted |= ends.uncounted;
            self.free_from = self.free_from.map(|free| free.max(ends.latest));
        }
    }

    /// What the rest of the message's life says of it.
    fn close(&mut self, message: &Message, at: usize, max: Option<u64>) {
        let take = &message.takes[at];
        if let Some(next) = message.takes.get(at + 1) {
            self.most = self.most.min(next.at.hi);
        }
        for removal in message.removals.iter().filter(|removal| removal.is_done) {
            if take.at.is_before(removal.span) {
                self.most = self.most.min(removal.span.hi);
            }
        }
        let used_up = max.is_some_and(|max| take.claims >= max);
        if used_up && self.counted && message.takes.len() == at + 1 {
            self.free_from = None;
        }
    }
}

/// Between which moments it went: deleted, popped, expired, or dead.
fn gone(queue: &Queue, message: &Message, max: Option<u64>) -> Span {
    let expires = message.expires();
    let mut latest = expires;
    let mut gone = Span {
        lo: expires * 1000,
        hi: NEVER,
    };
    for take in &message.takes {
        match take.by {
            By::Pop => {
                gone.lo = gone.lo.min(take.at.lo);
                gone.hi = gone.hi.min(take.at.hi);
            }
            By::Claim(claim) => {
                let claim = &queue.claims[claim];
                let doubtful = claim
                    .doubtful
                    .iter()
                    .map(|d| d.span.hi / 1000 + d.ttl + d.grace);
                let renewed = claim.renewals.iter().map(|r| r.deadline + r.grace);
                latest = renewed.chain(doubtful).fold(latest, u64::max);
            }
        }
    }
    if queue.blind.is_empty() {
        gone.hi = gone.hi.min(latest.saturating_mul(1000).saturating_add(999));
    }
    for removal in &message.removals {
        gone.lo = gone.lo.min(removal.span.lo);
        if removal.is_done {
            gone.hi = gone.hi.min(removal.span.hi);
        }
    }
    let last = message.takes.last().filter(|last| last.by != By::Pop);
    let used_up = last.filter(|last| max.is_some_and(|max| last.claims >= max));
    if let Some(last) = used_up.filter(|last| last.hold.counted) {
        gone.lo = gone.lo.min(last.hold.least);
        if !last.hold.uncounted {
            gone.hi = gone.hi.min(last.hold.most);
        }
    }
    if max.is_some() {
        // A claim that nobody was told of may have been its last.
        let after = message
            .takes
            .last()
            .map_or(message.born.lo, |last| last.at.lo);
        let blind = queue.blind.iter().filter(|blind| blind.span.hi >= after);
        gone.lo = blind.map(|blind| blind.span.lo).fold(gone.lo, Micros::min);
    }
    if !message.is_left {
        // A pop that nobody was told of may have taken what nobody has seen since.
        let seen = message.last_seen();
        let pops = queue.unknown_pops.iter().map(|(pop, _)| pop);
        let pops = pops.filter(|pop| pop.hi >= seen);
        gone.lo = pops.map(|pop| pop.lo.max(seen)).fold(gone.lo, Micros::min);
    }
    gone
}

/// When a claim ended: with its last message, its release, or at its deadline.
fn end(ops: &[Op], queue: &Queue, claim: &Claim) -> Span {
    let (least, most) = claim.deadlines();
    let mut end = Span {
        lo: 0,
        hi: most.saturating_mul(1000).saturating_add(999),
    };
    for id in &claim.messages {
        let Some(message) = queue.messages.get(id) else {
            continue;
        };
        for take in &message.takes {
            if matches!(take.by, By::Claim(of) if queue.claims[of].fence == claim.fence) {
                let removed = message.removals.iter().map(|removal| removal.span.lo);
                end.lo = end.lo.max(removed.fold(take.hold.least, Micros::min));
            }
        }
    }
    end.lo = end.lo.min(least * 1000);
    for &release in &queue.named[claim.id].releases {
        let op = &ops[release];
        if is_done(op) && claim.at.is_before(Span::of(op)) {
            end.hi = end.hi.min(Span::of(op).hi);
        }
    }
    end
}

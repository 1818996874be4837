//! The first promise: never two live claims on one message; and what claims grant, keep and show.
//!
//! Guards each message's takes, one after the other in the order of their fences: the next is legal only where the one
//! before may have ended.

use super::book::{Book, Queue, show};
use super::message::{By, Message, Take};
use super::span::Span;
use super::{Kind, Violation};
use crate::history::{Call, Outcome};

pub fn check(book: &mut Book) {
    let mut found = Vec::new();
    for q in 0..book.queues.len() {
        let max = book.rules[q].max_claims;
        for message in book.queues[q].messages.values() {
            let mut case = Case {
                book,
                q,
                message,
                found: &mut found,
            };
            case.takes();
            case.counts(max);
            case.grants();
        }
        leases(book, q, &mut found);
    }
    shows(book, &mut found);
    book.violations.extend(found);
}

struct Case<'c, 'a> {
    book: &'c Book<'a>,
    q: usize,
    message: &'c Message,
    found: &'c mut Vec<Violation>,
}

impl Case<'_, '_> {
    fn report(&mut self, kind: Kind, ops: &[usize]) {
        let ops: Vec<_> = ops.iter().map(|op| self.book.show(*op)).collect();
        let text = format!("{}: {}", self.message.id, ops.join(" || "));
        self.found.push(Violation { kind, text });
    }

    fn queue(&self) -> &Queue<'_> {
        &self.book.queues[self.q]
    }

    fn takes(&mut self) {
        for pair in self.message.takes.windows(2) {
            let [a, b] = pair else { continue };
            if a.by == By::Pop || b.at.is_before(a.at) {
                let kind = if b.by == By::Pop {
                    Kind::RemovedTwice
                } else {
                    Kind::DeliveredAfterDelete
                };
                self.report(kind, &[a.op, b.op]);
            } else if b.at.hi < a.hold.least {
                self.report(Kind::TwoLiveClaims, &[a.op, b.op]);
            } else if b.at.hi < a.hold.returns {
                self.report(Kind::EarlyReturn, &[a.op, b.op]);
            }
        }
        let lives_from = self.message.matures();
        if let Some(first) = self.message.takes.first()
            && first.at.hi < lives_from
        {
            self.report(Kind::DelayedDelivered, &[first.op]);
        }
    }

    /// How often it was claimed, and when it expires, by what each take shows.
    fn counts(&mut self, max: Option<u64>) {
        let (mut claims, mut expires) = (0, self.message.id.0 + self.message.ttl);
        let mut before: Option<&Take> = None;
        for take in &self.message.takes {
            let from = before.map_or(self.message.born.lo, |before| before.at.lo);
            let is_blind = self.queue().is_blind(Span {
                lo: from,
                hi: take.at.hi,
            });
            // A pop shows the claims before it, a claim counts itself.
            let shown = take.claims + u64::from(take.by == By::Pop);
            let (counted, uncounted) =
                before.map_or((true, false), |b| (b.hold.counted, b.hold.uncounted));
            let is_right = counted && shown == claims + 1 || uncounted && shown == claims;
            if !is_right && !is_blind {
                self.report(Kind::ClaimsCount, &[take.op]);
            }
            if max.is_some_and(|max| shown > max) {
                self.report(Kind::DiedEarly, &[take.op]);
            }
            let latest = before.map_or(expires, |before| self.latest_expiry(before, expires));
            if !is_blind && take.at.lo > latest.saturating_mul(1000) {
                self.report(Kind::ExpiredDelivered, &[take.op]);
            }
            let extended = self.extended(take);
            let is_made = extended.is_none_or(|extended| extended == take.expires);
            let fits = take.expires >= expires && (take.expires <= latest || is_made);
            if !is_blind && !fits || take.expires < self.deadline(take) {
                self.report(Kind::Expiry, &[take.op]);
            }
            (claims, expires, before) = (shown, take.expires, Some(take));
        }
    }

    /// What the renewals of a claim can have made of an expiry.
    fn latest_expiry(&self, take: &Take, expires: u64) -> u64 {
        let By::Claim(claim) = take.by else {
            return expires;
        };
        let claim = &self.queue().claims[claim];
        let renewed = claim.renewals.iter().skip(1).map(|r| r.deadline + r.grace);
        let doubtful = claim
            .doubtful
            .iter()
            .map(|d| (d.span.hi / 1000).saturating_add(d.ttl + d.grace));
        renewed.chain(doubtful).fold(expires, u64::max)
    }

    /// The expiry of a message that would not have outlived this claim; `None` where the making of it is not known.
    fn extended(&self, take: &Take) -> Option<u64> {
        let By::Claim(claim) = take.by else {
            return Some(0);
        };
        let claim = &self.queue().claims[claim];
        let first = claim.renewals.first().filter(|_| claim.is_whole)?;
        Some(first.deadline + first.grace)
    }

    fn deadline(&self, take: &Take) -> u64 {
        let By::Claim(claim) = take.by else {
            return take.now;
        };
        let claim = &self.queue().claims[claim];
        let first = claim.renewals.first().filter(|_| claim.is_whole);
        first.map_or(take.now, |first| first.deadline)
    }

    /// What was deleted and given back: by whom it may be.
    fn grants(&mut self) {
        let removals = self
            .message
            .removals
            .iter()
            .filter(|removal| removal.counted);
        let mut grants: Vec<_> = removals.map(|removal| (removal.op, removal.span)).collect();
        let returns = self
            .message
            .returns
            .iter()
            .filter(|returned| returned.is_done);
        grants.extend(returns.map(|returned| (returned.op, returned.span)));
        for (op, span) in grants {
            let (Call::Delete {
                claim: Some(claim), ..
            }
            | Call::Nack { claim, .. }) = &self.book.ops[op].call
            else {
                if self.message.is_surely_held(span, |_| true) {
                    self.report(Kind::DeletedUnderAnother, &[op]);
                }
                continue;
            };
            let claims = &self.queue().claims;
            let lost = self
                .queue()
                .named
                .get(&**claim)
                .is_some_and(|named| !named.lost.is_empty());
            let others = self
                .message
                .is_surely_held(span, |of| claims[of].id != claim);
            let own = self
                .message
                .is_maybe_held(span, |of| claims[of].id == claim);
            if others {
                self.report(Kind::DeletedUnderAnother, &[op]);
            } else if !own && !lost {
                self.report(Kind::EndedWithoutHolding, &[op]);
            }
        }
    }
}

/// Deadlines are what was asked for; a renewal comes before the deadline that it moves.
fn leases(book: &Book, q: usize, found: &mut Vec<Violation>) {
    for claim in &book.queues[q].claims {
        let mut report = |kind| {
            let text = format!(
                "{} of fence {}: {}",
                claim.id,
                claim.fence,
                book.show(claim.op)
            );
            found.push(Violation { kind, text });
        };
        for (place, renewal) in claim.renewals.iter().enumerate() {
            let is_known = place > 0 || claim.is_whole;
            if is_known && renewal.deadline != renewal.now + renewal.ttl {
                report(Kind::Lease);
            }
            if place > 0
                && claim.doubtful.is_empty()
                && renewal.now >= claim.renewals[place - 1].deadline
                && claim.is_whole
            {
                report(Kind::Lease);
            }
        }
    }
}

/// Repeats, and claim_get: a claim shows what it holds, all of it, and nothing else.
fn shows(book: &Book, found: &mut Vec<Violation>) {
    for (at, op) in book.ops.iter().enumerate() {
        let Outcome::Claimed {
            now,
            fence,
            messages,
            ..
        } = &op.got
        else {
            continue;
        };
        let queue = &book.queues[op.queue];
        let claim = &queue.claims[queue.by_fence[fence]];
        if claim.op == at {
            continue;
        }
        let span = Span::of(op).and(Span::of_ms(*now)).unwrap_or(Span::of(op));
        let of = |index: usize| queue.claims[index].fence == *fence;
        let is_wrong = |id| {
            let Some(message) = queue.messages.get(id) else {
                return true;
            };
            let shown = messages.iter().any(|taken| taken.id == *id);
            let unheld = !message.is_maybe_held(span, of);
            let held = message.is_surely_held(span, of) && message.surely_lives(span);
            if shown {
                unheld && claim.is_whole
            } else {
                held
            }
        };
        let all = messages
            .iter()
            .map(|taken| &taken.id)
            .chain(&claim.messages);
        for id in all.filter(|id| is_wrong(id)) {
            let text = format!(
                "{id}: {}; made by {}",
                show(book.rules, op),
                book.show(claim.op)
            );
            found.push(Violation {
                kind: Kind::ClaimShows,
                text,
            });
        }
    }
}

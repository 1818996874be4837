//! A history, ordered by what it is about: queues, their messages, their claims.
//!
//! Guards that a fact is derived once: checks read the book and never the raw operations for what stands here.

use std::collections::{BTreeMap, HashMap};

use super::message::Message;
use super::span::Span;
use super::{Audit, Kind, Violation};
use crate::history::{Body, Call, Id, Micros, Op, Outcome};
use crate::plan::Rules;

pub struct Book<'a> {
    pub rules: &'a [Rules],
    pub ops: &'a [Op],
    pub audit: &'a Audit,
    pub queues: Vec<Queue<'a>>,
    /// When a token was first sent with an answer that was lost, by queue.
    pub tries: HashMap<(usize, &'a str), Micros>,
    pub violations: Vec<Violation>,
}

/// A claim that was granted. The same id granted again later is another one.
#[derive(Debug)]
pub struct Claim<'a> {
    pub id: &'a str,
    pub fence: u64,
    pub at: Span,
    /// The operation that made it, or, where that one's answer was lost, a repeat.
    pub op: usize,
    /// The answer that made it is known, and with it all that it held.
    pub is_whole: bool,
    pub messages: Vec<Id>,
    /// The first is its making; the others in the order of their times.
    pub renewals: Vec<Renewal>,
    /// Renewals whose answers were lost: they may count.
    pub doubtful: Vec<Renewal>,
    /// Before this, in µs, it did not end; after this it had. Set with the holds.
    pub end: Span,
}

#[derive(Clone, Copy, Debug)]
pub struct Renewal {
    pub span: Span,
    pub now: u64,
    pub ttl: u64,
    pub grace: u64,
    pub deadline: u64,
}

impl Claim<'_> {
    /// Earliest and latest ms at which it lapses.
    pub fn deadlines(&self) -> (u64, u64) {
        let last = self.renewals.last().expect("its making is the first");
        // Of two renewals in one ms either may be the later one.
        let later = &self.renewals[1.min(self.renewals.len() - 1)..];
        let latest = later.iter().filter(|renewal| renewal.now == last.now);
        let known = latest.fold((u64::MAX, 0), |(least, most), renewal| {
            (least.min(renewal.deadline), most.max(renewal.deadline))
        });
        let counts = |doubtful: &&Renewal| doubtful.span.hi >= last.now * 1000;
        let doubtful = self.doubtful.iter().filter(counts);
        doubtful.fold(known, |(least, most), d| {
            let latest = (d.span.hi / 1000).saturating_add(d.ttl);
            (least.min(d.span.lo / 1000 + d.ttl), most.max(latest))
        })
    }
}

/// Operations that name a claim's id.
#[derive(Default, Debug)]
pub struct Named {
    pub releases: Vec<usize>,
    /// Claims under this id whose answers were lost.
    pub lost: Vec<usize>,
    /// Claims that were granted, by index.
    pub granted: Vec<usize>,
}

/// A time in which a claim may have held messages that nobody was told of, and how many.
#[derive(Clone, Copy, Debug)]
pub struct Blind {
    pub span: Span,
    pub most: u64,
}

#[derive(Default)]
pub struct Queue<'a> {
    pub messages: BTreeMap<Id, Message>,
    pub ids: HashMap<Body, Id>,
    pub claims: Vec<Claim<'a>>,
    pub by_fence: HashMap<u64, usize>,
    pub named: HashMap<&'a str, Named>,
    pub blind: Vec<Blind>,
    /// Posts whose answers were lost for good: when they began, and how many messages they may have made.
    pub unknown_posts: Vec<(Span, u64)>,
    /// As for posts, of pops without a token.
    pub unknown_pops: Vec<(Span, u64)>,
}

impl Queue<'_> {
    pub fn is_blind(&self, span: Span) -> bool {
        let meets = |blind: &Blind| blind.span.lo <= span.hi && span.lo <= blind.span.hi;
        self.blind.iter().any(meets)
    }
}

impl Book<'_> {
    /// When the operation was done, at the earliest and latest: it may be the repeat of one whose answer was lost.
    pub fn tried(&self, op: &Op) -> Span {
        let span = Span::of(op);
        let (Call::Post { token, .. } | Call::Pop { token, .. }) = &op.call else {
            return span;
        };
        let first = token
            .as_deref()
            .and_then(|token| self.tries.get(&(op.queue, token)));
        Span {
            lo: first.map_or(span.lo, |first| span.lo.min(*first)),
            hi: span.hi,
        }
    }

    pub fn report(&mut self, kind: Kind, text: String) {
        self.violations.push(Violation { kind, text });
    }

    /// An operation, for a report.
    pub fn show(&self, op: usize) -> String {
        show(self.rules, &self.ops[op])
    }
}

pub fn show(rules: &[Rules], op: &Op) -> String {
    let got = match &op.got {
        Outcome::Refused { word, about } => format!("{word} {about}"),
        other => format!("{other:?}"),
    };
    let name = rules[op.queue].name;
    let mut text = format!(
        "{name}: client {} operation {}, {} to {}: {:?}: {got}",
        op.who, op.n, op.begun, op.ended, op.call
    );
    // Long pages help nobody.
    if let Some((at, _)) = text.char_indices().nth(600) {
        text.truncate(at);
    }
    text
}

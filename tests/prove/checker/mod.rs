//! Whether a history can be: what a queue that keeps its promises would never have answered is a violation.
//!
//! Guards both sides. Nothing is reported that some order of the operations within their intervals explains; what no
//! order explains is. Times are the server's own where a reply says them, else the operation's beginning and end.

mod book;
mod build;
mod claims;
mod cover;
mod ends;
mod free;
mod grants;
mod hold;
mod loss;
mod message;
mod order;
mod rates;
mod refusals;
pub mod seeded;
mod span;
mod stats;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::history::{Body, Micros, Op, Seen};
use crate::plan::Rules;

pub use rates::Rates;

/// What lay in a queue when all clients had gone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Rest {
    pub messages: Vec<Seen>,
    /// Kept or in transit.
    pub letters: Vec<Body>,
}

/// The end of a history: the queues of a group were read to the end, and nobody else was there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Audit {
    pub from: Micros,
    pub to: Micros,
    pub rests: Vec<Rest>,
}

/// What can be wrong, as a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    TwoLiveClaims,
    EarlyReturn,
    DeliveredAfterDelete,
    RemovedTwice,
    DeletedUnderAnother,
    EndedWithoutHolding,
    Lost,
    Invented,
    Doubled,
    DiedEarly,
    ExpiredDelivered,
    Expiry,
    DelayedDelivered,
    ClaimsCount,
    IdOrder,
    ReplyOrder,
    Fifo,
    PassedOver,
    Fence,
    Lease,
    ClaimShows,
    Refusal,
    Token,
    Stats,
    Clock,
}

impl Kind {
    pub const ALL: &[Kind] = &[
        Kind::TwoLiveClaims,
        Kind::EarlyReturn,
        Kind::DeliveredAfterDelete,
        Kind::RemovedTwice,
        Kind::DeletedUnderAnother,
        Kind::EndedWithoutHolding,
        Kind::Lost,
        Kind::Invented,
        Kind::Doubled,
        Kind::DiedEarly,
        Kind::ExpiredDelivered,
        Kind::Expiry,
        Kind::DelayedDelivered,
        Kind::ClaimsCount,
        Kind::IdOrder,
        Kind::ReplyOrder,
        Kind::Fifo,
        Kind::PassedOver,
        Kind::Fence,
        Kind::Lease,
        Kind::ClaimShows,
        Kind::Refusal,
        Kind::Token,
        Kind::Stats,
        Kind::Clock,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::TwoLiveClaims => "two claims live on one message",
            Kind::EarlyReturn => {
                "a message came back before the delay it was given back with was over"
            }
            Kind::DeliveredAfterDelete => "a message came after it was deleted",
            Kind::RemovedTwice => "a message was deleted or popped twice",
            Kind::DeletedUnderAnother => "a message was taken out while another claim held it",
            Kind::EndedWithoutHolding => "a claim was granted what it did not hold",
            Kind::Lost => "a message was lost",
            Kind::Invented => "a message that nobody posted",
            Kind::Doubled => "a message is there twice",
            Kind::DiedEarly => "a message died with claims left, or lives with none left",
            Kind::ExpiredDelivered => "a message was delivered after its expiry",
            Kind::Expiry => "a message shows another expiry than it has",
            Kind::DelayedDelivered => "a message was delivered before its delay was over",
            Kind::ClaimsCount => "a message shows another number of claims than it had",
            Kind::IdOrder => "ids are not in the order of posting",
            Kind::ReplyOrder => "messages of a reply are not oldest first",
            Kind::Fifo => "a message was claimed before an older one",
            Kind::PassedOver => "a claimable message was passed over",
            Kind::Fence => "a fence did not grow",
            Kind::Lease => {
                "a lease has another deadline than it was given, or was renewed after it"
            }
            Kind::ClaimShows => "a claim shows other messages than it holds",
            Kind::Refusal => "a refusal had no cause",
            Kind::Token => "a token was good for other content",
            Kind::Stats => "stats are not what the queue can have held",
            Kind::Clock => "the server's time is outside the operation",
        })
    }
}

#[derive(Clone, Debug)]
pub struct Violation {
    pub kind: Kind,
    pub text: String,
}

/// What a history came to.
#[derive(Default)]
pub struct Verdict {
    pub violations: Vec<Violation>,
    pub rates: Rates,
}

impl Verdict {
    /// How many of each kind, and some of each.
    pub fn summary(&self, most: usize) -> String {
        let mut kinds: BTreeMap<Kind, Vec<&str>> = BTreeMap::new();
        for violation in &self.violations {
            kinds
                .entry(violation.kind)
                .or_default()
                .push(&violation.text);
        }
        let mut lines = Vec::new();
        for (kind, texts) in kinds {
            lines.push(format!("{}: {kind}", texts.len()));
            lines.extend(texts.iter().take(most).map(|text| format!("    {text}")));
        }
        lines.join("\n")
    }
}

/// Checks the history of one group.
pub fn check(rules: &[Rules], ops: &[Op], audit: &Audit) -> Verdict {
    let mut book = build::book(rules, ops, audit);
    hold::compute(&mut book);
    claims::check(&mut book);
    order::check(&mut book);
    free::check(&mut book);
    loss::check(&mut book);
    refusals::check(&mut book);
    stats::check(&mut book);
    let rates = rates::measure(&book);
    Verdict {
        violations: book.violations,
        rates,
    }
}

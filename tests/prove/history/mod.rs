//! What a client process writes down: each operation when it begins, and again when it ends, one JSON object a line.
//!
//! Guards that nothing is claimed of an operation that nobody saw the end of: a beginning is written before the
//! request goes out, so a process that is killed leaves it behind without an end.

mod cut;
mod file;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use cut::{CUTS, Cut, cuts, doubted, until_longer};
pub use file::{Log, Op, path, read, said_not_done};

/// µs since 1970, by [`Clock`](crate::clock::Clock).
pub type Micros = u64;

/// A message's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Id(pub u64, pub u64);

impl Id {
    pub fn parse(text: &str) -> Option<Id> {
        let (ms, seq) = text.split_once('-')?;
        Some(Id(ms.parse().ok()?, seq.parse().ok()?))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

/// What tells a message from every other, wherever it goes: who posted it, in which operation, in which place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Body(pub u32, pub u32, pub u32);

impl Body {
    /// Of bytes that nobody here has posted.
    pub const FOREIGN: Body = Body(u32::MAX, 0, 0);

    /// As it is posted. The same message is always the same text, of one length or another.
    pub fn text(self) -> String {
        let Body(who, stem, place) = self;
        let filler = (stem as usize * 31 + place as usize * 7) % 120;
        format!("{who}.{stem}.{place}.{}", "x".repeat(filler))
    }

    pub fn parse(text: &str) -> Body {
        let mut numbers = text.split('.').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        let read = || Some(Body(next()?, next()?, next()?));
        let body: Option<Body> = { read }();
        body.filter(|body| body.text() == text)
            .unwrap_or(Body::FOREIGN)
    }
}

/// What is asked of a queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Call {
    /// `stem` is the operation that made these bodies: a post that is repeated has that of the first.
    Post {
        stem: u32,
        count: u32,
        ttl: Option<u64>,
        delay: Option<u64>,
        token: Option<String>,
    },
    Claim {
        claim: String,
        ttl: u64,
        grace: u64,
        limit: usize,
        wait: Option<u64>,
    },
    Get {
        claim: String,
    },
    Renew {
        claim: String,
        ttl: u64,
        grace: u64,
    },
    Release {
        claim: String,
        untried: bool,
    },
    Nack {
        claim: String,
        ids: Vec<Id>,
        delay: u64,
        untried: bool,
    },
    Delete {
        claim: Option<String>,
        ids: Vec<Id>,
    },
    Pop {
        limit: usize,
        token: Option<String>,
        wait: Option<u64>,
    },
    List {
        limit: usize,
    },
    Stats,
}

/// A message as claim, pop and claim_get answer it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    pub id: Id,
    pub claims: u64,
    pub ttl: u64,
    pub body: Body,
}

/// A message as list answers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    pub id: Id,
    pub claim: Option<String>,
    pub body: Body,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    Posted(Vec<Id>),
    Claimed {
        now: u64,
        fence: u64,
        deadline: u64,
        messages: Vec<Taken>,
    },
    Renewed {
        now: u64,
        fence: u64,
        deadline: u64,
    },
    /// `now` is the first pop's, where this is its repeat.
    Popped {
        now: u64,
        messages: Vec<Taken>,
    },
    /// Nothing to claim or pop.
    Nothing,
    /// How many were deleted, released or given back.
    Done(u64),
    Page(Vec<Seen>),
    Counted {
        free: u64,
        claimed: u64,
        delayed: u64,
        total: u64,
        dead: u64,
        oldest: Option<Id>,
        newest: Option<Id>,
    },
    Refused {
        word: String,
        about: String,
    },
    /// The reply was thrown away: done or not, but not later than the end that was written down.
    Lost,
    /// No answer came, and the client says that it was not done: no operation then, and what comes of it is invented.
    NotDone(String),
    /// What can't be: neither a reply nor a refusal.
    Failed(String),
}

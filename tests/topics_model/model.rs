//! A topic in memory.
//!
//! Guards nothing; it is what the library is compared with, so it is as plain as can be.

use std::collections::{BTreeMap, VecDeque};

use marconi_redis::{MessageId, Metadata};

pub const TWO_WEEKS: u64 = 14 * 24 * 3_600_000;
/// A token is good for so long, at least.
pub const TOKENS_LIVE: u64 = 60_000;

/// A message as it was posted, gone or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub body: String,
    pub client: String,
    pub made: u64,
    pub ttl: u64,
    pub delay: u64,
}

impl Kept {
    pub fn lives(&self, now: u64) -> bool {
        self.made + self.ttl > now
    }

    pub fn delay_left(&self, now: u64) -> u64 {
        (self.made + self.delay).saturating_sub(now)
    }
}

/// What somebody asked to be posted.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Body, ttl and delay of each.
    pub messages: Vec<(String, Option<u64>, Option<u64>)>,
    /// Of those that don't say.
    pub ttl: Option<u64>,
    pub delay: Option<u64>,
    pub token: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub metadata: Metadata,
    pub colour: Option<&'static str>,
    pub ttl: Option<u64>,
    pub delay: Option<u64>,
    pub max_post: Option<u64>,
}

/// A token that was used, what for, and what it answers.
pub struct Used {
    pub request: Request,
    pub ids: Vec<MessageId>,
    pub at: u64,
}

#[derive(Default)]
pub struct Topic {
    /// Where it exists.
    pub settings: Option<Settings>,
    /// Those that have expired stay until somebody is known to have swept them.
    pub log: BTreeMap<MessageId, Kept>,
    pub last: Option<(u64, u64)>,
    pub used: Vec<Used>,
    /// Tokens that were in use when the topic was deleted: good for other content.
    pub ended: Vec<String>,
    /// The latest ids that were deleted.
    pub deleted: VecDeque<MessageId>,
}

impl Topic {
    pub fn living(&self, now: u64) -> impl DoubleEndedIterator<Item = (MessageId, &Kept)> {
        let all = self.log.iter().map(|(id, kept)| (*id, kept));
        all.filter(move |(_, kept)| kept.lives(now))
    }

    pub fn find(&self, id: MessageId, now: u64) -> Option<&Kept> {
        self.log.get(&id).filter(|kept| kept.lives(now))
    }

    /// As many ids as are asked for: of one ms, each higher than all before.
    pub fn next_ids(&mut self, now: u64, many: usize) -> Vec<MessageId> {
        let mut ids = Vec::new();
        for _ in 0..many {
            let next = match self.last {
                Some((ms, seq)) if ms >= now => (ms, seq + 1),
                _ => (now, 0),
            };
            self.last = Some(next);
            ids.push(format!("{}-{}", next.0, next.1).parse().unwrap());
        }
        ids
    }

    /// Why a post is refused, if it is, a topic that is not there apart; without a token.
    pub fn refusal(&self, request: &Request) -> Option<&'static str> {
        let settings = self.settings.clone().unwrap_or_default();
        let mut bytes = 0;
        for (body, ttl, delay) in &request.messages {
            let ttl = ttl.or(request.ttl).or(settings.ttl).unwrap_or(TWO_WEEKS);
            let delay = delay.or(request.delay).or(settings.delay).unwrap_or(0);
            if ttl == 0 || delay >= ttl {
                return Some("BADARG");
            }
            // A short string in msgpack has one byte before it.
            bytes += body.len() as u64 + 1;
        }
        let most = settings.max_post.unwrap_or(4 << 20);
        (bytes > most).then_some("TOOLARGE")
    }

    /// Takes in what was posted; answers the ids.
    pub fn append(&mut self, request: &Request, client: &str, now: u64) -> Vec<MessageId> {
        let ids = self.next_ids(now, request.messages.len());
        let settings = self.settings.as_ref().expect("a topic that is there");
        for (id, (body, ttl, delay)) in ids.iter().zip(&request.messages) {
            let kept = Kept {
                body: body.clone(),
                client: client.to_owned(),
                made: now,
                ttl: ttl.or(request.ttl).or(settings.ttl).unwrap_or(TWO_WEEKS),
                delay: delay.or(request.delay).or(settings.delay).unwrap_or(0),
            };
            self.log.insert(*id, kept);
        }
        ids
    }

    pub fn remove(&mut self, id: MessageId) {
        self.log.remove(&id);
        self.deleted.push_back(id);
        if self.deleted.len() > 12 {
            self.deleted.pop_front();
        }
    }
}

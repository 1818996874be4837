//! One queue as spec.md has it, in memory.
//!
//! Guards the independence of the test: nothing here knows how the scripts store anything. What has
//! lapsed, expired or matured is so for whoever looks; `settle` makes it so for good, at the times
//! when the scripts' housekeeping has been run to its end.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use marconi_redis::keys::{Prefix, QueueKeys, QueuePath};

use crate::envelope::Extras;
use crate::reply::Id;

/// The ttl of messages and letters where nothing is set.
pub const TWO_WEEKS: u64 = 14 * 24 * 60 * 60 * 1000;

#[derive(Debug, Clone)]
pub struct Message {
    pub id: Id,
    pub ttl: u64,
    pub delay: u64,
    pub client: String,
    pub extras: Extras,
    pub body: Vec<u8>,
    pub expires: u64,
    /// Hidden until then.
    pub delayed: u64,
    /// Claims that have ended and count.
    pub tries: u64,
    pub holder: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Claim {
    pub ttl: u64,
    pub grace: u64,
    pub deadline: u64,
    pub fence: u64,
    pub worker: String,
    pub ids: Vec<Id>,
}

/// A dead letter, in transit or kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub ttl: u64,
    pub client: String,
    pub extras: Extras,
    pub body: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Free,
    Delayed,
    Claimed,
    Expired,
    Dead,
}

/// What a token stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Receipt {
    Post { digest: String, ids: Vec<Id> },
    Pop { reply: redis::Value },
}

/// What became of all messages that were ever here, by the scripts' replies.
#[derive(Debug, Default)]
pub struct Ledger {
    pub posted: u64,
    pub delivered: u64,
    pub deleted: u64,
    pub popped: u64,
    pub expired: u64,
    pub died: u64,
    pub purged: u64,
    pub dropped: u64,
    pub sent_back: u64,
    /// Of its letters: what became of those that are neither kept nor in transit.
    pub settled: u64,
    pub letters_expired: u64,
    pub letters_purged: u64,
    pub letters_dropped: u64,
}

impl Ledger {
    /// Messages that came, by a post or as letters.
    pub fn came(&self) -> u64 {
        self.posted + self.delivered
    }

    /// Messages that left for good.
    pub fn left(&self) -> u64 {
        let by_callers = self.deleted + self.popped + self.purged + self.dropped;
        by_callers + self.expired + self.died + self.sent_back
    }

    /// Letters that are gone from the store and the outbox. One that is redriven goes from one to the other.
    pub fn letters_left(&self) -> u64 {
        self.settled + self.letters_expired + self.letters_purged + self.letters_dropped
    }
}

pub struct Queue {
    pub name: String,
    pub tag: String,
    pub keys: QueueKeys,
    pub exists: bool,
    pub created: u64,
    pub metadata: Vec<u8>,
    pub reserved: BTreeMap<&'static str, String>,
    pub log: BTreeMap<Id, Message>,
    pub claims: BTreeMap<String, Claim>,
    pub tokens: HashMap<String, (u64, Receipt)>,
    /// In transit: their ids in the outbox, where they are addressed to, what they are.
    pub outbox: Vec<(Id, String, Letter)>,
    /// Kept here: with the id in the queue's own store, whose ms is their arrival.
    pub kept: Vec<(Id, Letter)>,
    /// Letters that have come in, by source and the id in its outbox. Never forgotten.
    pub taken: HashSet<(String, Id)>,
    pub fence: u64,
    pub last_id: Id,
    pub last_outbox: Id,
    pub last_kept: Id,
    /// Letters that were kept here once.
    pub gone_letters: VecDeque<Id>,
    /// Until when somebody waits, as the latest of them has said.
    pub waiting_until: Option<u64>,
    pub ids_ever: HashSet<Id>,
    pub gone: VecDeque<Id>,
    pub old_claims: VecDeque<String>,
    /// The housekeeping has been begun, and not run to its end.
    pub half_swept: bool,
    /// Posts go by the queue's defaults for the time being, as in most queues: the scripts' short way.
    pub plain: bool,
    pub ledger: Ledger,
    pub history: VecDeque<String>,
}

impl Queue {
    pub fn new(project: &str, name: &str) -> Queue {
        let path = QueuePath::new(project, name).expect("a good name");
        Queue {
            name: name.into(),
            tag: path.tag(),
            keys: QueueKeys::new(&Prefix::default(), path),
            exists: false,
            created: 0,
            metadata: Vec::new(),
            reserved: BTreeMap::new(),
            log: BTreeMap::new(),
            claims: BTreeMap::new(),
            tokens: HashMap::new(),
            outbox: Vec::new(),
            kept: Vec::new(),
            taken: HashSet::new(),
            fence: 0,
            last_id: Id::default(),
            last_outbox: Id::default(),
            last_kept: Id::default(),
            gone_letters: VecDeque::new(),
            waiting_until: None,
            ids_ever: HashSet::new(),
            gone: VecDeque::new(),
            old_claims: VecDeque::new(),
            half_swept: false,
            plain: true,
            ledger: Ledger::default(),
            history: VecDeque::new(),
        }
    }

    /// Where it is published that there is something to claim.
    pub fn channel(&self) -> String {
        self.keys.key(marconi_redis::keys::Part::Log)
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.reserved
            .get(name)
            .map(|value| value.parse().expect("a number"))
    }

    pub fn max_claims(&self) -> Option<u64> {
        self.number("_max_claim_count")
    }

    /// How long a letter lives from its arrival on.
    pub fn letter_ttl(&self) -> u64 {
        self.number("_dead_letter_queue_messages_ttl")
            .unwrap_or(TWO_WEEKS)
    }

    pub fn is_live(&self, claim: &str, now: u64) -> bool {
        self.claims.get(claim).is_some_and(|c| c.deadline > now)
    }

    pub fn state(&self, message: &Message, now: u64) -> State {
        if let Some(holder) = &message.holder {
            if self.is_live(holder, now) {
                return State::Claimed;
            }
            // Its claim has lapsed, and that counts as a try.
            if self.uses_up(message.tries + 1) {
                return State::Dead;
            }
        }
        if message.expires <= now {
            State::Expired
        } else if message.delayed > now {
            State::Delayed
        } else {
            State::Free
        }
    }

    pub fn uses_up(&self, tries: u64) -> bool {
        self.max_claims().is_some_and(|max| tries >= max)
    }

    /// The message, if it lives.
    pub fn living(&self, id: Id, now: u64) -> Option<&Message> {
        let message = self.log.get(&id)?;
        let gone = matches!(self.state(message, now), State::Expired | State::Dead);
        (!gone).then_some(message)
    }

    /// All that live, in order.
    pub fn all_living(&self, now: u64) -> Vec<&Message> {
        let ids = self.log.keys();
        ids.filter_map(|id| self.living(*id, now)).collect()
    }

    pub fn claimable(&self, now: u64) -> Vec<Id> {
        let free = self
            .log
            .values()
            .filter(|m| self.state(m, now) == State::Free);
        free.map(|m| m.id).collect()
    }

    /// How often it was claimed, a claim that has not ended included.
    pub fn claims_of(&self, message: &Message) -> u64 {
        message.tries + u64::from(message.holder.is_some())
    }

    /// Whether housekeeping would change anything for good.
    pub fn has_overdue(&self, now: u64) -> bool {
        let letter_ttl = self.letter_ttl();
        self.claims.values().any(|claim| claim.deadline <= now)
            || self.log.values().any(|m| {
                m.holder.is_none() && (m.expires <= now || m.delayed > 0 && m.delayed <= now)
            })
            || self.kept.iter().any(|(id, _)| id.ms + letter_ttl <= now)
    }

    /// Takes a message out of the claim that has it, if one does; a claim ends with its last message.
    pub fn unhold(&mut self, id: Id) {
        let Some(holder) = self.log.get_mut(&id).and_then(|m| m.holder.take()) else {
            return;
        };
        let claim = self.claims.get_mut(&holder).expect("its claim");
        claim.ids.retain(|other| *other != id);
        if claim.ids.is_empty() {
            self.claims.remove(&holder);
            self.old_claims.push_front(holder);
            self.old_claims.truncate(40);
        }
    }

    pub fn remove(&mut self, id: Id) -> Message {
        self.unhold(id);
        self.gone.push_front(id);
        self.gone.truncate(60);
        self.log.remove(&id).expect("the message")
    }

    /// Letters that are kept here and have not expired, oldest first.
    pub fn living_letters(&self, now: u64) -> impl Iterator<Item = &(Id, Letter)> {
        let ttl = self.letter_ttl();
        self.kept.iter().filter(move |(id, _)| id.ms + ttl > now)
    }

    /// Takes letters out of the store, those that `stays` is not said of; answers how many.
    pub fn unkeep(&mut self, stays: impl Fn(&Id) -> bool) -> u64 {
        let (staying, going): (Vec<_>, Vec<_>) = std::mem::take(&mut self.kept)
            .into_iter()
            .partition(|(id, _)| stays(id));
        self.kept = staying;
        for (id, _) in &going {
            self.gone_letters.push_front(*id);
        }
        self.gone_letters.truncate(20);
        going.len() as u64
    }
}

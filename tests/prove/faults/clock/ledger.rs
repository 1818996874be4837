//! What answers have said, whatever time it was: who has which message, and what may be gone.
//!
//! Guards that time excuses only what it can: a claim is over by time, and a message gone by it, only where some call on
//! their queues came at or after that time.

mod ends;

use std::collections::{BTreeMap, HashMap};

use crate::checker::Rest;
use crate::history::{Body, Call, Id, Outcome, Taken};
use crate::plan::{Rules, groups};

pub type Place = (usize, usize);

struct Message {
    body: Body,
    expires: u64,
    claims: u64,
    holder: Option<u64>,
    is_gone: bool,
    /// Its expiry was seen, or it was among those that a delete was about and did not all find.
    may_be_gone: bool,
}

struct Claim {
    fence: u64,
    deadline: u64,
    /// Some time at or after its deadline was seen.
    has_lapsed: bool,
    /// Released, or swept: another has what it held.
    is_over: bool,
}

#[derive(Default)]
struct Queue {
    messages: BTreeMap<Id, Message>,
    claims: HashMap<String, Claim>,
    last_id: Option<Id>,
    last_fence: u64,
}

#[derive(Default, Clone, Copy)]
pub struct Counts {
    pub again: u64,
    pub late: u64,
    pub deleted: u64,
}

pub struct Ledger {
    rules: Vec<Vec<Rules>>,
    queues: HashMap<Place, Queue>,
    latest: u64,
    pub counts: Counts,
    pub violations: Vec<String>,
    /// What is being entered, for a report.
    entry: String,
}

impl Ledger {
    pub fn new(now: u64) -> Ledger {
        Ledger {
            rules: groups(),
            queues: HashMap::new(),
            latest: now,
            counts: Counts::default(),
            violations: Vec::new(),
            entry: String::new(),
        }
    }

    /// All of them were posted before.
    pub fn has_all(&mut self, place: Place, ids: &[Id]) -> bool {
        let queue = self.queue(place);
        ids.iter().all(|id| queue.messages.contains_key(id))
    }

    pub fn latest(&self) -> u64 {
        self.latest
    }

    pub fn report(&mut self, what: String) {
        let entry = &self.entry;
        self.violations.push(format!("{what}: {entry}"));
    }

    /// What that time may end, in all queues that such a call can touch.
    fn see(&mut self, group: usize, now: u64) {
        self.latest = self.latest.max(now);
        let here = self.queues.iter_mut().filter(|(place, _)| place.0 == group);
        for (_, queue) in here {
            for claim in queue.claims.values_mut() {
                claim.has_lapsed |= claim.deadline <= now;
            }
            for message in queue.messages.values_mut() {
                message.may_be_gone |= message.expires <= now;
            }
        }
    }

    pub fn enter(&mut self, place: Place, now: u64, call: &Call, got: &Outcome) {
        self.entry = format!("at {now} in {place:?}: {call:?}: {got:?}");
        self.see(place.0, now);
        match (call, got) {
            (Call::Post { .. }, Outcome::Posted(ids)) => self.posted(place, call, ids),
            (Call::Claim { claim, .. } | Call::Get { claim }, Outcome::Claimed { .. }) => {
                self.claimed(place, claim, got);
            }
            (Call::Renew { claim, grace, .. }, Outcome::Renewed { .. }) => {
                self.renewed(place, claim, *grace, got);
            }
            (_, Outcome::Popped { messages, .. }) => self.popped(place, messages),
            (_, Outcome::Page(page)) => {
                for seen in page {
                    self.known(place, seen.id, seen.body, 0);
                }
            }
            (_, Outcome::Done(count)) => self.ended(place, call, *count),
            (_, Outcome::Refused { word, .. }) => self.refused(place, call, word),
            (_, Outcome::Failed(error)) => self.report(format!("failed with {error}")),
            _ => {}
        }
    }

    fn queue(&mut self, place: Place) -> &mut Queue {
        self.queues.entry(place).or_default()
    }

    fn posted(&mut self, place: Place, call: &Call, ids: &[Id]) {
        let Call::Post { stem, ttl, .. } = call else {
            return;
        };
        let ttl = ttl.unwrap_or(self.rules[place.0][place.1].ttl);
        let is_repeat = self.has_all(place, ids);
        for (at, id) in ids.iter().enumerate().filter(|_| !is_repeat) {
            let queue = self.queue(place);
            let is_above = queue.last_id < Some(*id);
            queue.last_id = queue.last_id.max(Some(*id));
            let body = Body(0, *stem, at as u32);
            queue.messages.insert(*id, Message::new(body, id.0 + ttl));
            if !is_above {
                self.report(format!("{id} is not above all ids before it"));
            }
        }
    }

    /// The message that an answer shows: it is one that was posted, or a letter, and is not gone.
    fn known(&mut self, place: Place, id: Id, body: Body, expires: u64) -> bool {
        let gets_letters = self.rules[place.0][0].dead_letters_to == Some(place.1);
        let queue = self.queue(place);
        if gets_letters && !queue.messages.contains_key(&id) {
            // Not seen posted: when it expires is told by its first claim.
            let expires = if expires > 0 { expires } else { id.0 };
            queue.messages.insert(id, Message::new(body, expires));
        }
        let wrong = match queue.messages.get(&id) {
            None => Some("was never posted"),
            Some(message) if message.body != body => Some("has another body"),
            Some(message) if message.is_gone => Some("was deleted or popped before"),
            _ => None,
        };
        if let Some(wrong) = wrong {
            self.report(format!("{id} {wrong}"));
        }
        wrong.is_none()
    }

    fn claimed(&mut self, place: Place, claim: &str, got: &Outcome) {
        let Outcome::Claimed {
            fence,
            deadline,
            messages,
            ..
        } = got
        else {
            return;
        };
        let before = self.queue(place).claims.get(claim);
        if let Some(before) = before.filter(|before| before.fence == *fence) {
            let is_over = before.is_over;
            let owned = |m: &Message| m.holder == Some(*fence);
            let queue = self.queue(place);
            let shown = messages.iter().map(|taken| queue.messages.get(&taken.id));
            let is_own = shown.flatten().all(owned);
            if is_over || !is_own {
                self.report("a claim shows what it does not hold any more".to_owned());
            }
            return;
        }
        let queue = self.queue(place);
        let is_above = *fence > queue.last_fence;
        queue.last_fence = queue.last_fence.max(*fence);
        let made = Claim {
            fence: *fence,
            deadline: *deadline,
            has_lapsed: false,
            is_over: false,
        };
        queue.claims.insert(claim.to_owned(), made);
        if !is_above {
            self.report(format!("fence {fence} is not above all before it"));
        }
        if !messages.is_sorted_by(|a, b| a.id < b.id) {
            self.report("not oldest first".to_owned());
        }
        for taken in messages {
            if self.taken(place, taken) {
                let message = self.queue(place).messages.get_mut(&taken.id);
                let message = message.expect("it is known");
                message.holder = Some(*fence);
                message.claims = taken.claims;
                message.expires = taken.id.0 + taken.ttl;
                message.may_be_gone = false;
            }
        }
    }

    /// What a claim or pop takes, no live claim has; the claim that had it is over for good.
    fn taken(&mut self, place: Place, taken: &Taken) -> bool {
        if !self.known(place, taken.id, taken.body, taken.id.0 + taken.ttl) {
            return false;
        }
        let queue = self.queue(place);
        let message = &queue.messages[&taken.id];
        let again = u64::from(message.claims > 0);
        let mut claims = queue.claims.values_mut();
        let former = claims.find(|claim| message.holder == Some(claim.fence));
        let lives = former.is_some_and(|former| {
            former.is_over |= former.has_lapsed;
            !former.is_over
        });
        self.counts.again += again;
        if lives {
            self.report(format!("{} has a live claim", taken.id));
        }
        true
    }

    fn popped(&mut self, place: Place, messages: &[Taken]) {
        for taken in messages {
            if self.taken(place, taken) {
                let message = self.queue(place).messages.get_mut(&taken.id);
                message.expect("it is known").is_gone = true;
            }
        }
    }

    /// What was left when all was over, and the clock stood at the latest time.
    pub fn rest(&mut self, place: Place, rest: &Rest) {
        self.entry = format!("left in {place:?}");
        self.see(place.0, self.latest);
        for seen in &rest.messages {
            self.known(place, seen.id, seen.body, 0);
        }
        let max = self.rules[place.0][place.1].max_claims;
        let left: Vec<Id> = rest.messages.iter().map(|seen| seen.id).collect();
        let is_lost = |(id, message): &(&Id, &Message)| {
            let may_be_dead = max.is_some_and(|max| message.claims >= max);
            !message.is_gone && !message.may_be_gone && !may_be_dead && !left.contains(id)
        };
        let lost = self.queue(place).messages.iter().filter(is_lost);
        let lost: Vec<Id> = lost.map(|(id, _)| *id).collect();
        for id in lost {
            self.report(format!("{id} is lost"));
        }
    }
}

impl Message {
    fn new(body: Body, expires: u64) -> Message {
        Message {
            body,
            expires,
            claims: 0,
            holder: None,
            is_gone: false,
            may_be_gone: false,
        }
    }
}

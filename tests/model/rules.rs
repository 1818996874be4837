//! What spec.md says that operations do to a queue.
//!
//! Guards nothing by itself: plain steps on [`Queue`], one a rule.

use marconi_redis::keys::QueuePath;

use crate::envelope::Extras;
use crate::queue::{Claim, Letter, Message, Queue};
use crate::reply::Id;

/// A refusal that is to be expected: its word, and what its text has to name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub &'static str, pub String);

pub fn refused<T>(word: &'static str, names: impl ToString) -> Result<T, Refused> {
    Err(Refused(word, names.to_string()))
}

/// Where a letter goes that a step has made: addressed to a queue, or kept.
pub type Burial = (Option<String>, Letter);

impl Queue {
    pub fn append(&mut self, mut message: Message) {
        message.expires = message.id.ms + message.ttl;
        message.delayed = if message.delay > 0 {
            message.id.ms + message.delay
        } else {
            0
        };
        self.last_id = message.id;
        self.ids_ever.insert(message.id);
        self.log.insert(message.id, message);
    }

    /// A new claim on messages that are claimable.
    pub fn claim(&mut self, now: u64, name: &str, ids: &[Id], ttl: u64, grace: u64, worker: &str) {
        for id in ids {
            // What a claim held that has lapsed was tried.
            if self.log[id].holder.is_some() {
                self.unhold(*id);
                self.log.get_mut(id).expect("the message").tries += 1;
            }
            let message = self.log.get_mut(id).expect("the message");
            message.holder = Some(name.into());
            message.delayed = 0;
        }
        self.fence = (self.fence + 1).max(now * 1000);
        let claim = Claim {
            ttl,
            grace,
            deadline: now + ttl,
            fence: self.fence,
            worker: worker.into(),
            ids: ids.to_vec(),
        };
        self.claims.insert(name.into(), claim);
        self.extend(name, now);
    }

    /// What would expire before its claim lapses, or then, lives for the claim's ttl and grace.
    pub fn extend(&mut self, name: &str, now: u64) {
        let claim = &self.claims[name];
        for id in &claim.ids {
            let message = self.log.get_mut(id).expect("the message");
            if message.expires <= claim.deadline {
                message.expires = now + claim.ttl + claim.grace;
            }
        }
    }

    /// Ends a claim's hold on one message.
    pub fn let_go(&mut self, now: u64, id: Id, tried: bool, delay: u64) -> Option<Burial> {
        self.unhold(id);
        let message = self.log.get_mut(&id).expect("the message");
        message.tries += u64::from(tried);
        message.delayed = if delay > 0 { now + delay } else { 0 };
        let tries = message.tries;
        self.uses_up(tries).then(|| self.bury(now, id))
    }

    fn bury(&mut self, now: u64, id: Id) -> Burial {
        let message = self.remove(id);
        let before = message.extras;
        let mut from = before.from;
        from.push(self.tag.clone());
        let named = self.reserved.get("_dead_letter_queue");
        let to = named.map(|name| {
            let project = self.keys.path().project().as_str();
            QueuePath::new(project, name).expect("a good name").tag()
        });
        let extras = Extras {
            from: from.clone(),
            id: Some(id.to_string()),
            claims: Some(message.tries),
            died: Some(now),
            // Its first one, however often it dies.
            ttl: before.ttl.or(Some(message.ttl)),
            redriven: before.redriven,
            delay: None,
        };
        let letter = Letter {
            ttl: self.letter_ttl(),
            client: message.client,
            extras,
            body: message.body,
        };
        // Its own, or one where it has been: it is kept.
        (to.filter(|to| !from.contains(to)), letter)
    }

    /// One message whose last claim has lapsed with its claims used up, for good.
    pub fn bury_lapsed(&mut self, now: u64, id: Id) -> Burial {
        self.let_go(now, id, true, 0)
            .expect("a message whose claims are used up")
    }

    /// Makes what has lapsed, matured and expired so for good.
    pub fn settle(&mut self, now: u64) -> Vec<Burial> {
        let lapsed = self.claims.values().filter(|claim| claim.deadline <= now);
        let held: Vec<Id> = lapsed.flat_map(|claim| claim.ids.clone()).collect();
        let burials = held
            .into_iter()
            .filter_map(|id| self.let_go(now, id, true, 0))
            .collect();
        for message in self.log.values_mut() {
            if message.delayed <= now {
                message.delayed = 0;
            }
        }
        let unheld = self.log.values().filter(|m| m.holder.is_none());
        let expired: Vec<Id> = unheld.filter(|m| m.expires <= now).map(|m| m.id).collect();
        for id in expired {
            self.remove(id);
            self.ledger.expired += 1;
        }
        let letter_ttl = self.letter_ttl();
        self.ledger.letters_expired += self.unkeep(|id| id.ms + letter_ttl > now);
        self.half_swept = false;
        burials
    }

    /// The table of spec.md: what deleting these ids does, in their order, as the caller wrote them.
    pub fn delete(&self, now: u64, claim: &str, ids: &[String]) -> Result<Vec<Id>, Refused> {
        if ids.len() > 250 {
            return refused("TOOLARGE", "ids");
        }
        if !claim.is_empty() && !is_uuid(claim) {
            return refused("CLAIMGONE", claim);
        }
        let mut deleted = Vec::new();
        for text in ids {
            let Some(message) = Id::parse(text).and_then(|id| self.living(id, now)) else {
                continue;
            };
            let holder = message.holder.as_ref().filter(|h| self.is_live(h, now));
            match holder {
                None if !claim.is_empty() => return refused("NOTCLAIMED", text),
                Some(_) if claim.is_empty() => return refused("CLAIMED", text),
                Some(holder) if holder != claim && self.is_live(claim, now) => {
                    return refused("NOTYOURS", text);
                }
                Some(holder) if holder != claim => return refused("CLAIMGONE", text),
                _ if deleted.contains(&message.id) => {}
                _ => deleted.push(message.id),
            }
        }
        Ok(deleted)
    }

    /// Whether these ids can be given back, all of them.
    pub fn nack(
        &self,
        now: u64,
        name: &str,
        delay: u64,
        ids: &[String],
    ) -> Result<Vec<Id>, Refused> {
        if !is_uuid(name) {
            return refused("CLAIMGONE", name);
        }
        if ids.len() > 250 {
            return refused("TOOLARGE", "ids");
        }
        if !self.is_live(name, now) {
            return refused("CLAIMGONE", name);
        }
        let mut given = Vec::new();
        for text in ids {
            let Some(message) = Id::parse(text).and_then(|id| self.living(id, now)) else {
                return refused("MESSAGEGONE", text);
            };
            match message.holder.as_ref().filter(|h| self.is_live(h, now)) {
                None => return refused("NOTCLAIMED", text),
                Some(holder) if holder != name => return refused("NOTYOURS", text),
                Some(_) if delay > 0 && delay >= message.expires - now => {
                    return refused("BADARG", "delay");
                }
                Some(_) if given.contains(&message.id) => {}
                Some(_) => given.push(message.id),
            }
        }
        Ok(given)
    }

    /// The queue is gone, but not what is in transit; nor is any id or fence given twice.
    pub fn drop_all(&mut self) {
        self.ledger.dropped += self.log.len() as u64;
        for id in self.log.keys() {
            self.gone.push_front(*id);
        }
        self.gone.truncate(60);
        self.exists = false;
        self.log.clear();
        self.claims.clear();
        self.tokens.clear();
        self.ledger.letters_dropped += self.unkeep(|_| false);
        self.waiting_until = None;
        self.last_kept = Id::default();
        self.reserved.clear();
        self.metadata.clear();
        self.half_swept = false;
    }
}

pub fn is_uuid(text: &str) -> bool {
    let lengths: Vec<_> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

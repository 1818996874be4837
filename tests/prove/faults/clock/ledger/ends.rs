//! Renewals, deletes, releases and nacks, and their refusals, in the ledger.
//!
//! Guards that a claim whose messages went to another does nothing any more, and that one that lives is not refused.

use super::{Ledger, Place, Queue};
use crate::history::{Call, Id, Outcome};

impl Queue {
    fn is_over(&self, claim: &str) -> bool {
        self.claims.get(claim).is_none_or(|claim| claim.is_over)
    }

    /// It has not lapsed at any time that was seen, and holds something.
    fn surely_lives(&self, claim: &str) -> bool {
        self.claims.get(claim).is_some_and(|claim| {
            let mut messages = self.messages.values();
            let holds = messages.any(|m| m.holder == Some(claim.fence) && !m.is_gone);
            !claim.is_over && !claim.has_lapsed && holds
        })
    }

    /// A live claim has it, and not this one.
    fn surely_anothers(&self, id: Id, claim: Option<&str>) -> bool {
        let Some(message) = self.messages.get(&id).filter(|m| !m.is_gone) else {
            return false;
        };
        let holder = self
            .claims
            .iter()
            .find(|(_, c)| message.holder == Some(c.fence));
        holder.is_some_and(|(holder, c)| !c.has_lapsed && !c.is_over && claim != Some(holder))
    }
}

impl Ledger {
    pub(super) fn renewed(&mut self, place: Place, claim: &str, grace: u64, got: &Outcome) {
        let Outcome::Renewed {
            fence, deadline, ..
        } = got
        else {
            return;
        };
        let queue = self.queue(place);
        let is_over = queue.is_over(claim);
        if let Some(own) = queue.claims.get_mut(claim) {
            own.deadline = *deadline;
            own.has_lapsed = false;
        }
        let is_own = queue
            .claims
            .get(claim)
            .is_some_and(|own| own.fence == *fence);
        let held = queue.messages.values_mut();
        for message in held.filter(|m| m.holder == Some(*fence) && m.expires <= *deadline) {
            message.expires = deadline + grace;
        }
        if is_over || !is_own {
            self.report("a claim that is over was renewed".to_owned());
        }
    }

    pub(super) fn ended(&mut self, place: Place, call: &Call, count: u64) {
        match call {
            Call::Delete { claim, ids } => self.deleted(place, claim.as_deref(), ids, count),
            Call::Nack { claim, ids, .. } => self.given_back(place, claim, ids, count),
            Call::Release { claim, .. } => {
                let queue = self.queue(place);
                let fence = queue.claims.get(claim).map(|claim| claim.fence);
                let held = queue.messages.iter().filter(|(_, m)| m.holder == fence);
                let held: Vec<Id> = held.map(|(id, _)| *id).collect();
                self.given_back(place, claim, &held, count);
                // What has lapsed and was not swept, a release finds gone and leaves as it is.
                if let Some(claim) = self.queue(place).claims.get_mut(claim) {
                    claim.is_over |= count > 0;
                }
            }
            _ => {}
        }
    }

    fn given_back(&mut self, place: Place, claim: &str, ids: &[Id], count: u64) {
        if count == 0 {
            return;
        }
        let queue = self.queue(place);
        let is_over = queue.is_over(claim);
        let fence = queue.claims.get(claim).map(|claim| claim.fence);
        for id in ids {
            if let Some(message) = queue.messages.get_mut(id).filter(|m| m.holder == fence) {
                message.holder = None;
            }
        }
        if is_over {
            self.report("a claim that is over gave something back".to_owned());
        }
    }

    fn deleted(&mut self, place: Place, claim: Option<&str>, ids: &[Id], count: u64) {
        let queue = self.queue(place);
        let is_over = claim.is_some_and(|claim| queue.is_over(claim));
        let anothers: Vec<_> = ids
            .iter()
            .filter(|id| queue.surely_anothers(**id, claim))
            .collect();
        let wrong = match anothers.first() {
            Some(id) => Some(format!("{id} was deleted under another's claim")),
            None if is_over && count > 0 => Some("a claim that is over deleted something".into()),
            None => None,
        };
        let mut distinct = ids.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        // One that it did not find may have been dead or over its ttl, which a clock that goes back undoes.
        let all = distinct.len() as u64 == count;
        for id in ids {
            if let Some(message) = queue.messages.get_mut(id) {
                message.is_gone |= all;
                message.may_be_gone = true;
            }
        }
        self.counts.deleted += count;
        if let Some(wrong) = wrong {
            self.report(wrong);
        }
    }

    pub(super) fn refused(&mut self, place: Place, call: &Call, word: &str) {
        let (Call::Get { claim }
        | Call::Renew { claim, .. }
        | Call::Nack { claim, .. }
        | Call::Delete {
            claim: Some(claim), ..
        }) = call
        else {
            return;
        };
        self.counts.late += 1;
        if word == "CLAIMGONE" && self.queue(place).surely_lives(claim) {
            self.report("a claim that lives is said to be gone".to_owned());
        }
    }
}

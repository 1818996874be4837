//! What a client knows of one queue: its claims, and what it has heard of others'.
//!
//! Guards nothing: it may be wrong by now, and operations made of it then meet the refusals that are to be met.

use crate::history::{Call, Id, Outcome};

/// A claim as its worker last saw it.
#[derive(Clone, Debug)]
pub struct Held {
    pub claim: String,
    pub ids: Vec<Id>,
}

#[derive(Default)]
pub struct Hand {
    pub held: Vec<Held>,
    /// Given back, lapsed or forgotten; still good for asking too late.
    pub former: Vec<Held>,
    /// Messages that were seen lately, whoever has them.
    pub heard: Vec<Id>,
    /// Messages under a claim, anybody's.
    pub others: Vec<(Id, String)>,
    /// Posts with a token.
    pub posted: Vec<Call>,
}

const FORMER: usize = 8;
const HEARD: usize = 48;

impl Hand {
    pub fn find(&mut self, claim: &str) -> Option<usize> {
        self.held.iter().position(|held| held.claim == claim)
    }

    pub fn forget(&mut self, at: usize) {
        let held = self.held.swap_remove(at);
        self.former.insert(0, held);
        self.former.truncate(FORMER);
    }

    fn strike(&mut self, claim: &str, ids: &[Id]) {
        let Some(at) = self.find(claim) else { return };
        self.held[at].ids.retain(|id| !ids.contains(id));
        if self.held[at].ids.is_empty() {
            self.held[at].ids = ids.to_vec();
            self.forget(at);
        }
    }

    fn hear(&mut self, ids: impl IntoIterator<Item = Id>) {
        for id in ids {
            self.heard.insert(0, id);
        }
        self.heard.truncate(HEARD);
    }

    pub fn learn(&mut self, call: &Call, got: &Outcome) {
        match (call, got) {
            (Call::Post { token, .. }, Outcome::Posted(ids)) => {
                self.hear(ids.iter().copied());
                if token.is_some() {
                    self.posted.insert(0, call.clone());
                    self.posted.truncate(4);
                }
            }
            (Call::Claim { claim, .. }, Outcome::Claimed { messages, .. }) => {
                let ids: Vec<Id> = messages.iter().map(|message| message.id).collect();
                self.hear(ids.iter().copied());
                let claim = claim.clone();
                match self.find(&claim) {
                    Some(at) => self.held[at].ids = ids,
                    None => self.held.push(Held { claim, ids }),
                }
            }
            (_, Outcome::Popped { messages, .. }) => {
                self.hear(messages.iter().map(|message| message.id));
            }
            (_, Outcome::Page(page)) => {
                self.hear(page.iter().map(|seen| seen.id));
                let claimed = page
                    .iter()
                    .filter_map(|seen| Some((seen.id, seen.claim.clone()?)));
                self.others = claimed.collect();
            }
            (
                Call::Delete {
                    claim: Some(claim),
                    ids,
                }
                | Call::Nack { claim, ids, .. },
                Outcome::Done(_),
            ) => {
                self.strike(claim, ids);
            }
            (
                Call::Release { claim, .. }
                | Call::Renew { claim, .. }
                | Call::Get { claim }
                | Call::Nack { claim, .. }
                | Call::Delete {
                    claim: Some(claim), ..
                },
                Outcome::Done(_) | Outcome::Refused { .. } | Outcome::Lost,
            ) => {
                if let Some(at) = self.find(claim) {
                    self.forget(at);
                }
            }
            _ => {}
        }
    }
}

//! Operations that come too late, or are about what is another's.
//!
//! Guards that refusals come: each of these is to be refused where things are as they seem.

use super::choose::{Chooser, Place};
use crate::history::{Call, Id};

impl Chooser {
    /// Under a claim that is over, or may be.
    pub fn late(&mut self, place: Place) -> Option<Call> {
        let former = self.hand(place).former.clone();
        let held = self.any(&former)?;
        self.under(held.claim, held.ids)
    }

    fn under(&mut self, claim: String, ids: Vec<Id>) -> Option<Call> {
        let ids = self.some_of(&ids);
        let ttl = self.lease();
        Some(match self.rng.below(10) {
            0..=3 => Call::Delete {
                claim: Some(claim),
                ids,
            },
            4..=5 => Call::Nack {
                claim,
                ids,
                delay: 0,
                untried: false,
            },
            6..=7 => Call::Renew {
                claim,
                ttl,
                grace: 0,
            },
            8 => Call::Get { claim },
            _ => Call::Release {
                claim,
                untried: false,
            },
        })
    }

    /// With another's message: without a claim, under one's own, or under the other's.
    pub fn meddle(&mut self, place: Place) -> Option<Call> {
        let others = self.hand(place).others.clone();
        let Some((id, theirs)) = self.any(&others) else {
            return self.list(place);
        };
        let ids = vec![id];
        let own = self.held(place).map(|held| held.0);
        match (self.rng.below(10), own) {
            (0..=3, Some(claim)) => {
                if self.rng.percent(60) {
                    Some(Call::Delete {
                        claim: Some(claim),
                        ids,
                    })
                } else {
                    Some(Call::Nack {
                        claim,
                        ids,
                        delay: 0,
                        untried: false,
                    })
                }
            }
            (4..=5, _) => self.under(theirs, ids),
            _ => Some(Call::Delete { claim: None, ids }),
        }
    }

    pub fn delete_unclaimed(&mut self, place: Place) -> Option<Call> {
        let heard = self.hand(place).heard.clone();
        let count = self.rng.between(1, 3);
        let ids: Vec<Id> = (0..count).filter_map(|_| self.any(&heard)).collect();
        (!ids.is_empty()).then_some(Call::Delete { claim: None, ids })
    }
}

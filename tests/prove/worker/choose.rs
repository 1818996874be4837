//! Which operation comes next.
//!
//! Guards the mix: every verb comes, in its usual use and in the ones that are to be refused, and the queues stay short
//! enough to be found empty now and then.

use std::collections::HashMap;

use super::hand::Hand;
use crate::history::{Call, Id};
use crate::plan::Rules;
use crate::rng::Rng;

/// Which queue of which group.
pub type Place = (usize, usize);

pub struct Choice {
    pub place: Place,
    pub call: Call,
    /// After how many µs the answer is given up, where it is to be lost.
    pub lose: Option<u64>,
}

pub struct Chooser {
    pub rng: Rng,
    groups: Vec<Vec<Rules>>,
    hands: HashMap<Place, Hand>,
    who: u32,
    waits: bool,
    next: u32,
}

type Maker = fn(&mut Chooser, Place) -> Option<Call>;

/// How often each comes, of a thousand.
const MIX: &[(u64, Maker)] = &[
    (205, Chooser::post),
    (270, Chooser::claim),
    (220, Chooser::finish),
    (50, Chooser::renew),
    (55, Chooser::nack),
    (40, Chooser::release),
    (30, Chooser::late),
    (40, Chooser::meddle),
    (20, Chooser::delete_unclaimed),
    (20, Chooser::pop),
    (15, Chooser::list),
    (15, |_, _| Some(Call::Stats)),
    (10, Chooser::get),
    (5, Chooser::claim_again),
    (5, Chooser::post_again),
];

impl Chooser {
    pub fn new(groups: &[Vec<Rules>], who: u32, seed: u64, plain: bool) -> Self {
        Chooser {
            rng: Rng::of_stream(seed, u64::from(who) + 1),
            groups: groups.to_vec(),
            hands: HashMap::new(),
            who,
            waits: !plain,
            next: 0,
        }
    }

    pub fn choose(&mut self, next: u32) -> Choice {
        self.next = next;
        let group = self.rng.below(self.groups.len());
        let second = self.groups[group].len() > 1 && self.rng.percent(25);
        let place = (group, usize::from(second));
        // Now and then a claim is left to lapse.
        if self.rng.percent(3) && !self.hand(place).held.is_empty() {
            self.hand(place).forget(0);
        }
        let mut ticket = self.rng.below(1000) as u64;
        let made = MIX.iter().find(|(often, _)| {
            let found = ticket < *often;
            ticket = ticket.saturating_sub(*often);
            found
        });
        let call = made.and_then(|(_, make)| make(self, place));
        let call = call.or_else(|| self.claim(place)).expect("a call");
        self.spoiled(place, call)
    }

    /// Some answers are lost on the way.
    fn spoiled(&mut self, place: Place, mut call: Call) -> Choice {
        let next = self.next;
        let (token, who) = (self.rng.percent(30), self.who);
        // Of a pop a lost answer is worst.
        let lost = self.rng.below(1000)
            < if matches!(call, Call::Pop { .. }) {
                50
            } else {
                8
            };
        if let Call::Post { token: kept, .. } | Call::Pop { token: kept, .. } = &mut call
            && kept.is_none()
            && (token || lost)
        {
            *kept = Some(format!("{who}-{next}"));
        }
        let lose = lost.then(|| self.rng.between(1, 900));
        Choice { place, call, lose }
    }

    pub fn learn(&mut self, place: Place, call: &Call, got: &crate::history::Outcome) {
        self.hand(place).learn(call, got);
    }

    pub fn hand(&mut self, place: Place) -> &mut Hand {
        self.hands.entry(place).or_default()
    }

    pub fn any<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.rng.below(from.len())].clone())
    }

    fn post(&mut self, place: Place) -> Option<Call> {
        // Where dead letters come, nobody else posts.
        if place.1 > 0 {
            return None;
        }
        let delay = self.rng.percent(12).then(|| self.rng.between(0, 150));
        let ttl = self.rng.percent(12).then(|| self.rng.between(160, 1500));
        Some(Call::Post {
            stem: self.next,
            count: self.rng.between(1, 4) as u32,
            ttl,
            delay,
            token: None,
        })
    }

    fn claim(&mut self, place: Place) -> Option<Call> {
        // As many as a worker can have; more would leave nothing for the others.
        if self.hand(place).held.len() > 3 {
            return self.finish(place);
        }
        let wait = self.waits && self.rng.percent(12);
        Some(Call::Claim {
            claim: format!("00000000-0000-4000-8{:03x}-{:012x}", self.who, self.next),
            ttl: self.lease(),
            grace: self.rng.between(0, 60),
            limit: self.rng.between(1, 5) as usize,
            wait: wait.then(|| self.rng.between(5, 120)),
        })
    }

    /// Short leases lapse under their workers, long ones are ended by them.
    pub fn lease(&mut self) -> u64 {
        if self.rng.percent(40) {
            self.rng.between(5, 60)
        } else {
            self.rng.between(100, 1200)
        }
    }

    pub fn held(&mut self, place: Place) -> Option<(String, Vec<Id>)> {
        let held = self.hand(place).held.clone();
        self.any(&held).map(|held| (held.claim, held.ids))
    }

    /// One, or all of them.
    pub fn some_of(&mut self, ids: &[Id]) -> Vec<Id> {
        if self.rng.percent(50) {
            ids.to_vec()
        } else {
            self.any(ids).into_iter().collect()
        }
    }

    fn finish(&mut self, place: Place) -> Option<Call> {
        let (claim, ids) = self.held(place)?;
        let ids = self.some_of(&ids);
        let claim = Some(claim);
        Some(Call::Delete { claim, ids })
    }

    fn renew(&mut self, place: Place) -> Option<Call> {
        let (claim, _) = self.held(place)?;
        let (ttl, grace) = (self.lease(), self.rng.between(0, 60));
        Some(Call::Renew { claim, ttl, grace })
    }

    fn nack(&mut self, place: Place) -> Option<Call> {
        let (claim, ids) = self.held(place)?;
        let late = self.rng.percent(50);
        Some(Call::Nack {
            claim,
            ids: self.some_of(&ids),
            delay: if late { self.rng.between(1, 150) } else { 0 },
            untried: self.rng.percent(30),
        })
    }

    fn release(&mut self, place: Place) -> Option<Call> {
        let (claim, _) = self.held(place)?;
        let untried = self.rng.percent(40);
        Some(Call::Release { claim, untried })
    }

    fn pop(&mut self, _: Place) -> Option<Call> {
        let wait = self.waits && self.rng.percent(15);
        Some(Call::Pop {
            limit: self.rng.between(1, 3) as usize,
            token: None,
            wait: wait.then(|| self.rng.between(5, 80)),
        })
    }

    pub fn list(&mut self, _: Place) -> Option<Call> {
        let limit = self.rng.between(5, 20) as usize;
        Some(Call::List { limit })
    }

    fn get(&mut self, place: Place) -> Option<Call> {
        let (claim, _) = self.held(place)?;
        Some(Call::Get { claim })
    }

    fn claim_again(&mut self, place: Place) -> Option<Call> {
        let (claim, _) = self.held(place)?;
        let (ttl, grace, limit, wait) = (300, 10, 2, None);
        Some(Call::Claim {
            claim,
            ttl,
            grace,
            limit,
            wait,
        })
    }

    /// The same again, or, as a faulty program would, something else under its token.
    fn post_again(&mut self, place: Place) -> Option<Call> {
        let posted = self.hand(place).posted.clone();
        let mut call = self.any(&posted)?;
        if self.rng.percent(40)
            && let Call::Post { stem, .. } = &mut call
        {
            *stem = self.next;
        }
        Some(call)
    }
}

//! The model: what is known of each subscription.
//!
//! Guards that it is a few lines: a rule that is not found here is not tried.

use std::collections::BTreeMap;

use marconi_redis::SubscriptionId;

/// What is known of one subscription.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub subscriber: String,
    pub ttl: u64,
    pub made: u64,
    pub expires: u64,
    pub confirmed: bool,
    pub option: u64,
}

/// A queue's subscriptions, those that have expired included.
#[derive(Default)]
pub struct Model {
    pub all: BTreeMap<SubscriptionId, Kept>,
    pub last: Option<SubscriptionId>,
    /// What was there and was taken out, or cleared away.
    pub gone: Vec<SubscriptionId>,
}

impl Model {
    pub fn living(&self, now: u64) -> impl Iterator<Item = (&SubscriptionId, &Kept)> {
        self.all.iter().filter(move |(_, kept)| kept.expires > now)
    }

    pub fn find(&mut self, id: SubscriptionId, now: u64) -> Option<&mut Kept> {
        self.all.get_mut(&id).filter(|kept| kept.expires > now)
    }

    pub fn of(&self, subscriber: &str, now: u64) -> Option<SubscriptionId> {
        let mut living = self.living(now);
        living
            .find(|(_, kept)| kept.subscriber == subscriber)
            .map(|(id, _)| *id)
    }

    /// Those that have expired are cleared away where one is made, or their subscriber taken over: they
    /// don't come back where the clock steps back.
    pub fn clear(&mut self, now: u64, subscriber: Option<&str>) {
        let is_taken = |kept: &Kept| subscriber.is_none_or(|name| kept.subscriber == name);
        let expired = self
            .all
            .iter()
            .filter(|(_, kept)| kept.expires <= now && is_taken(kept));
        let expired: Vec<SubscriptionId> = expired.map(|(id, _)| *id).collect();
        for id in expired {
            self.remove(id);
        }
    }

    pub fn remove(&mut self, id: SubscriptionId) {
        if self.all.remove(&id).is_some() {
            self.gone.push(id);
        }
    }

    /// The time of the last one or later, and within one ms a higher number.
    pub fn next_id(&self, now: u64) -> SubscriptionId {
        let text = match self.last.map(|last| last.to_string()) {
            Some(last) => {
                let (ms, seq) = last.split_once('-').unwrap();
                match now > ms.parse().unwrap() {
                    true => format!("{now}-0"),
                    false => format!("{ms}-{}", seq.parse::<u64>().unwrap() + 1),
                }
            }
            None => format!("{now}-0"),
        };
        text.parse().unwrap()
    }
}

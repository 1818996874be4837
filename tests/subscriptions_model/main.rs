//! Random operations on the subscriptions of three queues, beside a model of a few lines.
//!
//! Guards the rules as a whole: each answer is the model's, to the ms, in whatever order they come.
//! `MARCONI_SEED` repeats a run, whose seed stands in every failure.

#[path = "../common/mod.rs"]
mod common;
mod model;
#[path = "../model/rng.rs"]
mod rng;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use marconi_redis::keys::Part;
use marconi_redis::{Error, Queue, Store, Subscription, SubscriptionId};

use common::Server;
use model::{Kept, Model};
use rng::Rng;

const OPERATIONS: u64 = 6_000;

/// As the model has it.
fn kept(found: &Subscription, now: u64) -> Kept {
    let made = found.id.to_string();
    let made: u64 = made.split_once('-').unwrap().0.parse().unwrap();
    let ms = |length: Duration| u64::try_from(length.as_millis()).unwrap();
    assert_eq!(ms(found.age), now.saturating_sub(made));
    Kept {
        subscriber: found.subscriber.clone(),
        ttl: ms(found.ttl),
        made,
        expires: now + ms(found.left),
        confirmed: found.confirmed,
        option: found.options.get("n").unwrap().unwrap(),
    }
}

fn refusal<T>(result: Result<T, Error>) -> Option<(&'static str, Option<String>)> {
    let error = result.err()?;
    Some((error.word(), error.id().map(str::to_owned)))
}

fn options(n: u64) -> BTreeMap<&'static str, u64> {
    BTreeMap::from([("n", n)])
}

struct World {
    rng: Rng,
    now: u64,
    queues: Vec<(String, Model)>,
    store: Store,
    done: BTreeSet<&'static str>,
}

impl World {
    async fn step(&mut self) {
        // Often not at all, mostly a little, now and then back.
        self.now = match self.rng.below(10) {
            0..=3 => self.now,
            4..=8 => self.now + self.rng.between(0, 39),
            _ => self.now.saturating_sub(self.rng.between(0, 19)),
        };
        let at = self.rng.below(3);
        let queue = self.store.at(self.now).queue("model", &self.queues[at].0);
        let queue = queue.unwrap();
        match self.rng.below(8) {
            0 | 1 => self.subscribe(&queue, at).await,
            2 => self.get(&queue, at).await,
            3 => self.get_of(&queue, at).await,
            4 => self.update(&queue, at).await,
            5 => self.confirm(&queue, at).await,
            6 => self.delete(&queue, at).await,
            _ => self.list(&queue, at).await,
        }
    }

    fn subscriber(&mut self) -> String {
        format!("mailto:{}@example.org", self.rng.below(12))
    }

    /// One that is there, has been there, or never was.
    fn id(&mut self, at: usize) -> SubscriptionId {
        let model = &self.queues[at].1;
        let ids: Vec<_> = match self.rng.below(6) {
            0 => model.gone.clone(),
            _ => model.all.keys().copied().collect(),
        };
        let recent = ids.len().saturating_sub(12);
        let ids = &ids[recent..];
        if ids.is_empty() || self.rng.below(12) == 0 {
            return "17-3".parse().unwrap();
        }
        ids[self.rng.below(ids.len())]
    }

    async fn subscribe(&mut self, queue: &Queue, at: usize) {
        let (subscriber, n) = (self.subscriber(), self.rng.between(0, 99));
        let ttl = self.rng.between(1, 300);
        let asked = queue.subscribe(&subscriber).options(&options(n));
        let made = asked.ttl(Duration::from_millis(ttl)).await.unwrap();
        let (now, model) = (self.now, &mut self.queues[at].1);
        if let Some(known) = model.of(&subscriber, now) {
            assert_eq!((made.id, made.is_new), (known, false));
            self.done.insert("subscribed again");
            return;
        }
        model.clear(now, None);
        let id = model.next_id(now);
        assert_eq!((made.id, made.is_new), (id, true));
        model.last = Some(id);
        let ms = id.to_string();
        let new = Kept {
            subscriber,
            ttl,
            made: ms.split_once('-').unwrap().0.parse().unwrap(),
            expires: now + ttl,
            confirmed: false,
            option: n,
        };
        model.all.insert(id, new);
        self.done.insert("subscribed");
    }

    async fn get(&mut self, queue: &Queue, at: usize) {
        let id = self.id(at);
        let found = queue.subscription(id).await;
        match self.queues[at].1.find(id, self.now) {
            Some(there) => {
                assert_eq!(kept(&found.unwrap(), self.now), *there);
                self.done.insert("found");
            }
            None => {
                let gone = ("SUBSCRIPTIONGONE", Some(id.to_string()));
                assert_eq!(refusal(found), Some(gone));
                self.done.insert("not found");
            }
        }
    }

    async fn get_of(&mut self, queue: &Queue, at: usize) {
        let subscriber = self.subscriber();
        let found = queue.subscription_of(&subscriber).await.unwrap();
        let known = self.queues[at].1.of(&subscriber, self.now);
        assert_eq!(found.map(|found| found.id), known);
        self.done
            .insert(if known.is_some() { "of" } else { "of nobody" });
    }

    async fn update(&mut self, queue: &Queue, at: usize) {
        let (id, subscriber) = (self.id(at), self.subscriber());
        let (ttl, n) = (self.rng.between(1, 300), self.rng.between(0, 99));
        let which = 1 + self.rng.below(7);
        let mut asked = queue.update_subscription(id);
        if which & 1 > 0 {
            asked = asked.subscriber(&subscriber);
        }
        if which & 2 > 0 {
            asked = asked.ttl(Duration::from_millis(ttl));
        }
        if which & 4 > 0 {
            asked = asked.options(&options(n));
        }
        let refused = refusal(asked.await);
        let (now, model) = (self.now, &mut self.queues[at].1);
        let other = model.of(&subscriber, now).filter(|other| *other != id);
        let Some(there) = model.find(id, now) else {
            assert_eq!(refused, Some(("SUBSCRIPTIONGONE", Some(id.to_string()))));
            self.done.insert("no update");
            return;
        };
        if let Some(other) = other.filter(|_| which & 1 > 0) {
            let taken = ("SUBSCRIPTIONEXISTS", Some(other.to_string()));
            assert_eq!(refused, Some(taken));
            self.done.insert("taken");
            return;
        }
        assert_eq!(refused, None);
        if which & 1 > 0 {
            there.subscriber.clone_from(&subscriber);
        }
        if which & 2 > 0 {
            (there.ttl, there.expires) = (ttl, now + ttl);
        }
        if which & 4 > 0 {
            there.option = n;
        }
        if which & 1 > 0 {
            model.clear(now, Some(&subscriber));
        }
        self.done.insert("updated");
    }

    async fn confirm(&mut self, queue: &Queue, at: usize) {
        let (id, confirmed) = (self.id(at), self.rng.below(2) == 1);
        let refused = refusal(queue.confirm_subscription(id, confirmed).await);
        match self.queues[at].1.find(id, self.now) {
            Some(there) => {
                assert_eq!(refused, None);
                there.confirmed = confirmed;
                self.done.insert("confirmed");
            }
            None => {
                assert_eq!(refused, Some(("SUBSCRIPTIONGONE", Some(id.to_string()))));
                self.done.insert("not confirmed");
            }
        }
    }

    async fn delete(&mut self, queue: &Queue, at: usize) {
        let id = self.id(at);
        let deleted = queue.delete_subscription(id).await.unwrap();
        let (now, model) = (self.now, &mut self.queues[at].1);
        assert_eq!(deleted, model.find(id, now).is_some());
        model.remove(id);
        self.done
            .insert(if deleted { "deleted" } else { "not deleted" });
    }

    /// All pages, and nothing twice.
    async fn list(&mut self, queue: &Queue, at: usize) {
        let limit = 1 + self.rng.below(6);
        let (mut listed, mut asked) = (Vec::new(), queue.subscriptions().limit(limit));
        loop {
            let page = asked.await.unwrap();
            let is_last = page.marker.is_none();
            assert!(is_last || page.subscriptions.len() == limit);
            listed.extend(page.subscriptions);
            let Some(marker) = page.marker else { break };
            assert_eq!(listed.last().map(|last| last.id), Some(marker));
            asked = queue.subscriptions().limit(limit).marker(marker);
        }
        let listed: Vec<_> = listed.iter().map(|s| (s.id, kept(s, self.now))).collect();
        let living = self.queues[at].1.living(self.now);
        let living: Vec<_> = living.map(|(id, kept)| (*id, kept.clone())).collect();
        assert_eq!(listed, living);
        self.done.insert("listed");
    }

    /// What is stored is of the subscriptions that there are, those that have expired since included.
    async fn nothing_is_left_over(&self) {
        let mut connection = Server::shared().connection().await;
        for (name, model) in &self.queues {
            let queue = self.store.queue("model", name).unwrap();
            let all = model.all.len();
            for (command, part, expected) in [
                // The last id and the schema stand there, too.
                ("HLEN", Part::Subscriptions, all + 2),
                ("HLEN", Part::Subscribers, all),
                ("ZCARD", Part::SubscriptionIds, all),
                ("ZCARD", Part::SubscriptionExpiry, all),
            ] {
                let count = redis::cmd(command).arg(queue.keys().key(part)).to_owned();
                let count: usize = count.query_async(&mut connection).await.unwrap();
                assert_eq!(count, expected, "{part} of {name}");
            }
        }
    }
}

#[tokio::test]
async fn random_operations_on_three_queues_answer_as_the_model_does() {
    let seed = std::env::var("MARCONI_SEED").ok();
    let seed = seed.map_or(20_141_025, |seed| seed.parse().expect("a number"));
    eprintln!("repeat with MARCONI_SEED={seed}");
    let name = |n| (format!("q{n}"), Model::default());
    let mut world = World {
        rng: Rng::new(seed),
        now: 1_700_000_000_000,
        queues: (0..3).map(name).collect(),
        store: Store::connect(&Server::shared().url()).await.unwrap(),
        done: BTreeSet::new(),
    };
    for _ in 0..OPERATIONS {
        world.step().await;
    }
    world.nothing_is_left_over().await;
    // Nothing that was meant to be tried was missed.
    assert_eq!(world.done.len(), 14, "{:?}", world.done);
}

//! The library and the model side by side, and what the operations pick from.
//!
//! Guards that a run is worth something: what the history has to contain is counted, and a failure says
//! how to repeat it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use marconi_redis::keys::QueuePath;
use marconi_redis::{Error, MessageId, Store};

use crate::beside::Beside;
use crate::common::Server;
use crate::model::Topic;
use crate::rng::Rng;

pub const PROJECTS: [&str; 2] = ["shop", "shop/eu"];
/// In the order of their bytes, which no locale has.
pub const NAMES: [&str; 6] = ["News", "a", "news", "news.eu", "orders", "été"];

/// A name in a project: the topic of it, and the queue.
pub struct Place {
    pub project: &'static str,
    pub name: &'static str,
    pub topic: Topic,
    pub queue: Beside,
}

pub struct World {
    pub rng: Rng,
    pub now: u64,
    pub places: Vec<Place>,
    /// Two programs, and one that makes nothing by posting.
    pub stores: [Store; 2],
    pub strict: Store,
    /// How often what came.
    pub seen: BTreeMap<&'static str, u64>,
    seed: u64,
    done: u64,
    trace: VecDeque<String>,
}

impl World {
    pub async fn new(server: &Server, seed: u64) -> World {
        let builder = |client: &str| Store::builder().client(client).unwrap();
        let url = server.url();
        let strict = builder("strict").create_queues(false);
        let place = |project, name| Place {
            project,
            name,
            topic: Topic::default(),
            queue: Beside::default(),
        };
        let places = PROJECTS.iter().flat_map(|project| {
            let names = NAMES.iter();
            names.map(move |name| place(project, name))
        });
        World {
            rng: Rng::new(seed),
            now: 1_700_000_000_000,
            places: places.collect(),
            stores: [
                builder("press").connect(&url).await.unwrap(),
                builder("desk").connect(&url).await.unwrap(),
            ],
            strict: strict.connect(&url).await.unwrap(),
            seen: BTreeMap::new(),
            seed,
            done: 0,
            trace: VecDeque::new(),
        }
    }

    /// Often none, mostly a little, now and then so much that nearly all is over. Never back: what has
    /// expired may be swept by then or not.
    pub fn pass_time(&mut self) {
        self.done += 1;
        self.now += match self.rng.below(1_000) {
            0..=399 => 0,
            400..=979 => self.rng.between(0, 9),
            980..=997 => self.rng.between(50, 500),
            _ => 70_000,
        };
    }

    pub fn saw(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    /// What a failure shows of what was before it.
    pub fn note(&mut self, at: usize, what: String) {
        let Place { project, name, .. } = self.places[at];
        let line = format!("{} {} {project:?} {name:?} {what}", self.done, self.now);
        self.trace.push_back(line);
        if self.trace.len() > 30 {
            self.trace.pop_front();
        }
    }

    /// A handle on the topic, by one of the two programs.
    pub fn topic(&mut self, at: usize) -> marconi_redis::Topic {
        let store = self.rng.below(2);
        self.topic_of(store, at)
    }

    pub fn topic_of(&self, store: usize, at: usize) -> marconi_redis::Topic {
        let Place { project, name, .. } = self.places[at];
        let store = self.stores[store].at(self.now);
        store.topic(project, name).unwrap()
    }

    pub fn path(&self, at: usize) -> QueuePath {
        QueuePath::new(self.places[at].project, self.places[at].name).unwrap()
    }

    /// The refusal of what is not there: its word, and whose it is.
    pub fn assert_gone<T: std::fmt::Debug>(&mut self, at: usize, result: Result<T, Error>) {
        let error = result.unwrap_err();
        let path = self.path(at);
        assert_eq!((error.word(), error.queue()), ("TOPICGONE", Some(&path)));
        assert!(error.to_string().starts_with("topic "), "{error}");
        self.saw("TOPICGONE");
    }

    /// Of a message that is there, has been, or never was; now and then another topic's.
    pub fn an_id(&mut self, at: usize) -> MessageId {
        let from = match self.rng.percent(6) {
            true => self.rng.below(self.places.len()),
            false => at,
        };
        let topic = &self.places[from].topic;
        let known: Vec<MessageId> = topic.log.keys().chain(&topic.deleted).copied().collect();
        // Mostly the latest, which may still live.
        let first = match self.rng.percent(70) {
            true => known.len().saturating_sub(15),
            false => 0,
        };
        match known[first..].is_empty() || self.rng.percent(4) {
            true => "17-3".parse().unwrap(),
            false => known[first + self.rng.below(known.len() - first)],
        }
    }

    /// Fails where something came too rarely: then the history was tame.
    pub fn demand_enough(&self) {
        let floors = [
            (50, "TOPICGONE"),
            (140, "post made the topic"),
            (35, "post of nothing"),
            (10, "post of 250"),
            (12, "refused: post of 251"),
            (20, "refused: 251 ids"),
            (13, "refused: strict post"),
            (180, "refused: BADARG post"),
            (50, "refused: TOOLARGE post"),
            (40, "refused: TOKENREUSED"),
            (30, "refused: BADARG metadata"),
            (16, "refused: BADARG limit"),
            (300, "refused: MESSAGEGONE"),
            (350, "post by token"),
            (110, "token of a topic that was deleted"),
            (60, "post repeated"),
            (35, "post repeated, messages gone"),
            (2900, "expiries read past"),
            (1700, "expiries not counted"),
            (40, "delayed shown"),
            (100, "delayed not shown"),
            (200, "own not shown"),
            (700, "delay ended"),
            (250, "page with more behind it"),
            (300, "marker that is gone"),
            (30, "got"),
            (50, "got many"),
            (160, "first"),
            (80, "deleted a message"),
            (180, "deleted none"),
            (40, "purged"),
            (25, "all ended within a ms"),
            (12, "created"),
            (100, "created again"),
            (19, "name without a topic"),
            (200, "metadata replaced"),
            (160, "topic deleted"),
            (150, "made again, ids go on"),
            (180, "topics after a marker"),
            (90, "topics: more behind"),
            (140, "topics by name"),
            (160, "topics by metadata"),
            (200, "topics left out by a filter"),
            (180, "topics with metadata"),
            (100, "check"),
            (90, "queue popped"),
            (18, "queue deleted beside a topic"),
            (140, "topic deleted beside a queue"),
        ];
        for (least, what) in floors {
            let count = self.seen.get(what).copied().unwrap_or_default();
            assert!(count >= least, "{what}: {count} times only, not {least}");
        }
        let known: Vec<_> = floors.iter().map(|(_, what)| *what).collect();
        let all: Vec<_> = self.seen.keys().copied().collect();
        let strange = all.iter().find(|what| !known.contains(what));
        assert_eq!(strange, None, "is counted and has no floor");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for line in &self.trace {
                eprintln!("{line}");
            }
            let World { seed, done, .. } = self;
            eprintln!("repeat with MARCONI_SEED={seed}; it was operation {done}");
        }
    }
}

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The word of a refusal, of what must be one.
pub fn word<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().word()
}

//! Listing the topics of a project.
//!
//! Guards that a listing has the topics that are there and are wanted, and no queue.

use marconi_redis::QueueEntry;
use marconi_redis::keys::QueueName;

use crate::model::Settings;
use crate::world::{NAMES, Place, World, word};

/// A listing that is asked for.
#[derive(Debug)]
struct Asked {
    marker: Option<&'static str>,
    limit: usize,
    part: Option<&'static str>,
    colour: Option<&'static str>,
    n: Option<u64>,
    with_metadata: bool,
}

impl Asked {
    fn wants(&self, place: &Place, settings: &Settings) -> bool {
        let n: Option<u64> = settings.metadata.get("n").unwrap();
        self.part.is_none_or(|part| place.name.contains(part))
            && self.colour.is_none_or(|it| settings.colour == Some(it))
            && self.n.is_none_or(|it| n == Some(it))
    }
}

impl World {
    pub async fn list_topics(&mut self, at: usize) {
        let asked = self.some_listing();
        self.note(at, format!("{asked:?}"));
        let project = self.places[at].project;
        let store = self.stores[0].at(self.now);
        let mut list = store.topics(project).unwrap().limit(asked.limit);
        if let Some(marker) = asked.marker {
            list = list.marker(QueueName::new(marker).unwrap());
        }
        if let Some(part) = asked.part {
            list = list.name_contains(part);
        }
        if let Some(colour) = asked.colour {
            list = list.metadata_is("colour", colour);
        }
        if let Some(n) = asked.n {
            list = list.metadata_is("n", &n);
        }
        if asked.with_metadata {
            list = list.with_metadata();
        }
        if !(1..=250).contains(&asked.limit) {
            assert_eq!(word(list.await), "BADARG");
            return self.saw("refused: BADARG limit");
        }

        let (mut wanted, mut left_out) = (Vec::new(), 0);
        for place in &self.places {
            let is_behind = asked.marker.is_none_or(|marker| place.name > marker);
            let Some(settings) = place.topic.settings.as_ref() else {
                continue;
            };
            if place.project == project && is_behind {
                match asked.wants(place, settings) {
                    true => wanted.push((place.name, settings.metadata.clone())),
                    false => left_out += 1,
                }
            }
        }
        let all = list.clone().count().await.unwrap();
        assert_eq!(all, wanted.len() as u64);
        let is_cut = wanted.len() > asked.limit;
        wanted.truncate(asked.limit);
        let page = list.await.unwrap();
        let told = |entry: QueueEntry| (entry.name.to_string(), entry.metadata);
        let told: Vec<_> = page.topics.into_iter().map(told).collect();
        let expected = wanted.iter().map(|(name, metadata)| {
            let metadata = asked.with_metadata.then(|| metadata.clone());
            ((*name).to_owned(), metadata)
        });
        assert_eq!(told, expected.collect::<Vec<_>>());
        let is_full = wanted.len() == asked.limit;
        let last = wanted.last().filter(|_| is_full).map(|(name, _)| *name);
        assert_eq!(page.marker.as_ref().map(QueueName::as_str), last);
        self.count_what_was_listed(&asked, left_out, is_cut);
    }

    /// All names, and not one of a topic that could not be made.
    pub async fn list_plainly(&mut self, at: usize) {
        let project = self.places[at].project;
        let store = self.stores[0].at(self.now);
        let page = store.topics(project).unwrap().limit(250).await.unwrap();
        let told: Vec<&str> = page.topics.iter().map(|it| it.name.as_str()).collect();
        let places = self.places.iter();
        let there =
            places.filter(|place| place.project == project && place.topic.settings.is_some());
        assert_eq!(told, there.map(|place| place.name).collect::<Vec<_>>());
    }

    fn some_listing(&mut self) -> Asked {
        let mut maybe = |chance, from: &[&'static str]| {
            let picked = self.rng.pick(from);
            self.rng.percent(chance).then_some(picked)
        };
        // Between two names, too, and behind the last.
        let markers = [&NAMES[..], &["A", "m", "zzz"]].concat();
        let marker = maybe(50, &markers);
        let part = maybe(40, &["news", "e", "é", ".", "nothing", ""]);
        let colour = maybe(35, &["red", "blue"]);
        let n = self.rng.between(0, 2);
        Asked {
            marker,
            part,
            colour,
            n: self.rng.percent(15).then_some(n),
            limit: match self.rng.percent(5) {
                true => self.rng.below(2) * 251,
                false => 1 + self.rng.below(5),
            },
            with_metadata: self.rng.percent(50),
        }
    }

    fn count_what_was_listed(&mut self, asked: &Asked, left_out: u64, is_cut: bool) {
        let kinds = [
            (asked.marker.is_some(), "topics after a marker"),
            (is_cut, "topics: more behind"),
            (asked.part.is_some(), "topics by name"),
            (
                asked.colour.is_some() || asked.n.is_some(),
                "topics by metadata",
            ),
            (left_out > 0, "topics left out by a filter"),
            (asked.with_metadata, "topics with metadata"),
        ];
        for (is_so, what) in kinds {
            if is_so {
                self.saw(what);
            }
        }
    }
}

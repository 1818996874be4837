//! Making topics, their metadata, and their end.
//!
//! Guards that a topic is there or is not, for every operation alike, and that nothing of one that was
//! deleted comes back with the next of its name.

use marconi_redis::Metadata;

use crate::model::{Settings, TWO_WEEKS};
use crate::world::{World, ms, word};

impl World {
    pub async fn create(&mut self, at: usize) {
        let given = self.rng.percent(50).then(|| self.some_settings());
        self.note(at, format!("create {given:?}"));
        let mut asked = self.topic(at).create();
        if let Some(settings) = &given {
            asked = asked.metadata(settings.metadata.clone());
        }
        let answer = asked.await;
        if given.as_ref().is_some_and(is_refused) {
            assert_eq!(word(answer), "BADARG");
            return self.saw("refused: BADARG metadata");
        }
        let topic = &mut self.places[at].topic;
        let is_new = topic.settings.is_none();
        assert_eq!(answer.unwrap(), is_new);
        let is_given = given.is_some();
        if is_new || is_given {
            topic.settings = Some(given.unwrap_or_default());
        }
        if is_new {
            self.noticed_new(at);
        }
        self.saw(match (is_new, is_given) {
            (true, _) => "created",
            (false, true) => "metadata replaced",
            (false, false) => "created again",
        });
    }

    pub async fn set(&mut self, at: usize) {
        let settings = self.some_settings();
        self.note(at, format!("set {settings:?}"));
        let answer = self.topic(at).set_metadata(&settings.metadata).await;
        if is_refused(&settings) {
            assert_eq!(word(answer), "BADARG");
            return self.saw("refused: BADARG metadata");
        }
        if self.places[at].topic.settings.is_none() {
            return self.assert_gone(at, answer);
        }
        answer.unwrap();
        self.places[at].topic.settings = Some(settings);
        self.saw("metadata replaced");
    }

    pub async fn metadata(&mut self, at: usize) {
        self.note(at, "metadata".into());
        let found = self.topic(at).metadata().await;
        match &self.places[at].topic.settings {
            Some(settings) => assert_eq!(found.unwrap(), settings.metadata),
            None => self.assert_gone(at, found),
        }
    }

    pub async fn exists(&mut self, at: usize) {
        self.note(at, "exists".into());
        let exists = self.topic(at).exists().await.unwrap();
        assert_eq!(exists, self.places[at].topic.settings.is_some());
    }

    pub async fn delete_topic(&mut self, at: usize) {
        self.note(at, "delete the topic".into());
        let deleted = self.topic(at).delete().await.unwrap();
        let place = &mut self.places[at];
        let was_there = place.topic.settings.take().is_some();
        assert_eq!(deleted, was_there);
        if !was_there {
            return;
        }
        let topic = &mut place.topic;
        // Their ids stay known, and are asked for again.
        let gone: Vec<_> = topic.log.keys().rev().take(4).copied().collect();
        gone.into_iter().for_each(|id| topic.remove(id));
        topic.log.clear();
        let used = topic.used.drain(..).rev().take(4);
        topic.ended = used.filter_map(|used| used.request.token).collect();
        if place.queue.exists() {
            self.saw("topic deleted beside a queue");
        }
        self.saw("topic deleted");
        if self.rng.percent(15) {
            self.fail_to_create(at).await;
        }
    }

    /// Its name may stand in the list by then, and nothing behind it.
    async fn fail_to_create(&mut self, at: usize) {
        let metadata = Metadata::new().with_default_message_ttl(ms(0));
        let refused = self.topic(at).create().metadata(metadata).await;
        assert_eq!(word(refused), "BADARG");
        self.list_plainly(at).await;
        self.saw("name without a topic");
    }

    /// Some of it no good: a delay that is not below the ttl, a ttl of nothing.
    fn some_settings(&mut self) -> Settings {
        let mut maybe = |chance, low, high| {
            let value = self.rng.between(low, high);
            self.rng.percent(chance).then_some(value)
        };
        let mut settings = Settings {
            colour: maybe(70, 0, 1).map(|n| ["red", "blue"][n as usize]),
            ttl: maybe(8, 0, 0).or(maybe(40, 0, 150)),
            delay: maybe(30, 0, 100),
            max_post: maybe(25, 1, 40),
            ..Settings::default()
        };
        let n = maybe(50, 0, 2);
        let mut metadata = Metadata::new();
        if let Some(colour) = settings.colour {
            metadata = metadata.with("colour", colour).unwrap();
        }
        if let Some(n) = n {
            metadata = metadata.with("n", &n).unwrap();
        }
        if let Some(ttl) = settings.ttl {
            metadata = metadata.with_default_message_ttl(ms(ttl));
        }
        if let Some(delay) = settings.delay {
            metadata = metadata.with_default_message_delay(ms(delay));
        }
        if let Some(bytes) = settings.max_post {
            metadata = metadata.with_max_messages_post_size(bytes);
        }
        settings.metadata = metadata;
        settings
    }
}

fn is_refused(settings: &Settings) -> bool {
    let ttl = settings.ttl.unwrap_or(TWO_WEEKS);
    ttl == 0 || settings.delay.is_some_and(|delay| delay >= ttl)
}

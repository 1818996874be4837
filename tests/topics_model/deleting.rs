//! Deleting messages of topics, one, some and all.
//!
//! Guards that what is counted was there, and what is left is what was not named.

use marconi_redis::MessageId;

use crate::model::Topic;
use crate::world::{World, word};

/// How everything ends that a topic has.
pub enum End {
    Purge,
    Delete,
}

impl World {
    pub async fn delete_one(&mut self, at: usize) {
        let id = self.an_id(at);
        self.note(at, format!("delete {id}"));
        self.topic(at).delete_one(id).await.unwrap();
        let (now, topic) = (self.now, &mut self.places[at].topic);
        match topic.find(id, now).is_some() {
            true => {
                topic.remove(id);
                self.saw("deleted a message");
            }
            false => self.saw("deleted none"),
        }
    }

    /// Some of them twice.
    pub async fn delete_many(&mut self, at: usize) {
        let asked: Vec<MessageId> = (0..self.rng.below(7)).map(|_| self.an_id(at)).collect();
        self.note(at, format!("delete {asked:?}"));
        if self.rng.percent(5) {
            let many = std::iter::repeat_n("17-3".parse().unwrap(), 251);
            assert_eq!(word(self.topic(at).delete_many(many).await), "TOOLARGE");
            self.saw("refused: 251 ids");
        }
        let deleted = self.topic(at).delete_many(asked.clone()).await.unwrap();
        let (now, topic) = (self.now, &mut self.places[at].topic);
        let mut expected = 0;
        for id in asked {
            if topic.find(id, now).is_some() {
                topic.remove(id);
                expected += 1;
            }
        }
        assert_eq!(deleted, expected);
        for _ in 0..expected {
            self.saw("deleted a message");
        }
    }

    /// With posts before and after within one ms: no id is given twice.
    pub async fn end_between_posts(&mut self, at: usize, end: End) {
        if self.rng.percent(70) {
            self.post(at).await;
        }
        let before = self.places[at].topic.last;
        match end {
            End::Purge => self.purge(at).await,
            End::Delete => self.delete_topic(at).await,
        }
        if self.rng.percent(70) {
            self.post(at).await;
            let after = self.places[at].topic.last;
            let ms = |last: Option<(u64, u64)>| last.map(|(ms, _)| ms);
            if before != after && ms(before) == ms(after) {
                self.saw("all ended within a ms");
            }
        }
    }

    /// Those are counted, too, that are over and that nobody has swept yet.
    pub async fn purge(&mut self, at: usize) {
        self.note(at, "purge".into());
        let purged = self.topic(at).purge().await;
        let (now, topic) = (self.now, &mut self.places[at].topic);
        if topic.settings.is_none() {
            return self.assert_gone(at, purged);
        }
        let living = topic.living(now).count() as u64;
        let most = topic.log.len() as u64;
        let purged = purged.unwrap();
        assert!(
            (living..=most).contains(&purged),
            "{living} {purged} {most}"
        );
        topic.log.clear();
        self.saw("purged");
    }

    /// Frees memory, and nothing else is to be seen of it.
    pub async fn clear_away(&mut self, at: usize) {
        self.note(at, "gc".into());
        let store = self.stores[0].at(self.now);
        let collected = store.gc(self.places[at].project).await.unwrap();
        assert_eq!(collected.unfinished, 0);
    }

    /// What is stored of a topic agrees with itself.
    pub async fn check(&mut self, at: usize) {
        self.note(at, "check".into());
        let Topic { settings, .. } = &self.places[at].topic;
        if settings.is_some() {
            assert_eq!(self.topic(at).check().await.unwrap(), []);
            self.saw("check");
        }
    }
}

//! Reading topics: pages, single messages, ends and counts.
//!
//! Guards that what is read is all there is to read, as it was posted, and nothing that is over.

use marconi_redis::{Message, MessageId, Order};

use crate::model::{Kept, Topic};
use crate::world::{World, ms, word};

/// Fails where it is not the message that the model has.
fn compare(message: &Message, kept: &Kept, now: u64) {
    let told = (
        message.body::<String>().unwrap(),
        message.client().to_owned(),
        message.ttl(),
        message.age(),
        message.delay(),
        (message.claims(), message.claimed_by(), message.redriven()),
    );
    let wanted = (
        kept.body.clone(),
        kept.client.clone(),
        ms(kept.ttl),
        ms(now - kept.made),
        ms(kept.delay_left(now)),
        (0, None, 0),
    );
    assert_eq!(told, wanted);
}

fn ids(messages: &[Message]) -> Vec<MessageId> {
    messages.iter().map(Message::id).collect()
}

impl World {
    /// A page, and then all that follow it.
    pub async fn list(&mut self, at: usize) {
        let (delayed, echo) = (self.rng.percent(40), self.rng.percent(60));
        let marker = self.rng.percent(60).then(|| self.an_id(at));
        let limit = match self.rng.percent(70) {
            true => 1 + self.rng.below(6),
            false => 1 + self.rng.below(250),
        };
        let program = self.rng.below(2);
        self.note(at, format!("list {marker:?} {limit} {delayed} {echo}"));
        let now = self.now;
        let own = ["press", "desk"][program];
        let model = &self.places[at].topic;
        let after: Vec<(MessageId, Kept)> = model
            .log
            .iter()
            .filter(|(id, _)| marker.is_none_or(|marker| **id > marker))
            .map(|(id, kept)| (*id, kept.clone()))
            .collect();
        let marker_is_gone = marker.is_some_and(|marker| model.find(marker, now).is_none());
        let mut wanted = after.clone();
        wanted.retain(|(_, kept)| {
            let is_seen = delayed || kept.delay_left(now) == 0;
            kept.lives(now) && is_seen && (echo || kept.client != own)
        });

        let topic = self.topic_of(program, at);
        let list = || topic.list().limit(limit).delayed(delayed).echo(echo);
        let (mut read, mut asked) = (0, list());
        if let Some(marker) = marker {
            asked = asked.marker(marker);
        }
        loop {
            let page = asked.await.unwrap();
            let rest = &wanted[read..];
            let expected: Vec<MessageId> = rest.iter().map(|(id, _)| *id).take(limit).collect();
            assert_eq!(ids(&page.messages), expected);
            for (message, (_, kept)) in page.messages.iter().zip(rest) {
                compare(message, kept, now);
            }
            read += page.messages.len();
            let Some(marker) = page.marker else { break };
            assert_eq!(page.messages.len(), limit, "a page in the middle is full");
            assert!(page.messages.last().is_some_and(|last| last.id() <= marker));
            assert!(wanted.get(read).is_none_or(|(next, _)| *next > marker));
            // It looks at 250 a call, and where those are over it can't know whether more comes.
            assert!(read < wanted.len() || after.len() > 250, "at the end");
            self.saw("page with more behind it");
            asked = list().marker(marker);
        }
        assert_eq!(read, wanted.len());
        self.count_what_was_read(&after, now, (delayed, echo), own);
        if marker_is_gone {
            self.saw("marker that is gone");
        }
    }

    fn count_what_was_read(
        &mut self,
        after: &[(MessageId, Kept)],
        now: u64,
        (delayed, echo): (bool, bool),
        own: &str,
    ) {
        for (_, kept) in after {
            if !kept.lives(now) {
                self.saw("expiries read past");
            } else if kept.delay_left(now) > 0 {
                self.saw(match delayed {
                    true => "delayed shown",
                    false => "delayed not shown",
                });
            } else if !echo && kept.client == own {
                self.saw("own not shown");
            } else if kept.delay > 0 {
                self.saw("delay ended");
            }
        }
    }

    pub async fn get(&mut self, at: usize) {
        let id = self.an_id(at);
        self.note(at, format!("get {id}"));
        let found = self.topic(at).get(id).await;
        let now = self.now;
        if let Some(kept) = self.places[at].topic.find(id, now) {
            let found = found.unwrap();
            assert_eq!(found.id(), id);
            compare(&found, kept, now);
            return self.saw("got");
        }
        let error = found.unwrap_err();
        let told = (error.word(), error.id(), error.queue());
        let path = self.path(at);
        assert_eq!(told, ("MESSAGEGONE", Some(&*id.to_string()), Some(&path)));
        self.saw("refused: MESSAGEGONE");
    }

    /// In the order in which they are asked for.
    pub async fn get_many(&mut self, at: usize) {
        let mut asked: Vec<MessageId> = Vec::new();
        for _ in 0..self.rng.below(8) {
            let id = self.an_id(at);
            if !asked.contains(&id) {
                asked.push(id);
            }
        }
        self.note(at, format!("get {asked:?}"));
        if self.rng.percent(5) {
            let many = std::iter::repeat_n("17-3".parse().unwrap(), 251);
            assert_eq!(word(self.topic(at).get_many(many).await), "TOOLARGE");
            self.saw("refused: 251 ids");
        }
        let found = self.topic(at).get_many(asked.clone()).await.unwrap();
        let (now, topic) = (self.now, &self.places[at].topic);
        asked.retain(|id| topic.find(*id, now).is_some());
        assert_eq!(ids(&found), asked);
        for message in &found {
            compare(message, &topic.log[&message.id()], now);
        }
        if !found.is_empty() {
            self.saw("got many");
        }
    }

    pub async fn first(&mut self, at: usize) {
        let order = match self.rng.percent(50) {
            true => Order::Oldest,
            false => Order::Newest,
        };
        self.note(at, format!("first {order:?}"));
        let found = self.topic(at).first(order).await.unwrap();
        let now = self.now;
        let mut living = self.places[at].topic.living(now);
        let expected = match order {
            Order::Newest => living.next_back(),
            _ => living.next(),
        };
        assert_eq!(found.as_ref().map(Message::id), expected.map(|(id, _)| id));
        if let (Some(found), Some((_, kept))) = (found, expected) {
            compare(&found, kept, now);
            drop(living);
            self.saw("first");
        }
    }

    pub async fn stats(&mut self, at: usize) {
        self.note(at, "stats".into());
        let stats = self.topic(at).stats().await;
        let now = self.now;
        let Topic { settings, log, .. } = &mut self.places[at].topic;
        if settings.is_none() {
            return self.assert_gone(at, stats);
        }
        let stats = stats.unwrap();
        let before = log.len();
        log.retain(|_, kept| kept.lives(now));
        let over = before - log.len();
        let delayed = log.values().filter(|kept| kept.delay_left(now) > 0);
        let (delayed, total) = (delayed.count() as u64, log.len() as u64);
        let told = (stats.free, stats.claimed, stats.delayed);
        assert_eq!(told, (total - delayed, 0, delayed));
        assert_eq!((stats.total, stats.dead), (total, 0));
        let end = |id: Option<&MessageId>| id.map(|id| (*id, ms(now - log[id].made)));
        let told = |end: Option<marconi_redis::End>| end.map(|end| (end.id, end.age));
        assert_eq!(told(stats.oldest), end(log.keys().next()));
        assert_eq!(told(stats.newest), end(log.keys().next_back()));
        for _ in 0..over {
            self.saw("expiries not counted");
        }
    }
}

//! Posts to topics: what they add, and what is refused.
//!
//! Guards that a refused post adds nothing, and a repeated one nothing more.

use marconi_redis::{MessageId, NewMessage, Result, Topic};

use crate::model::{Request, Settings, TOKENS_LIVE, Used};
use crate::world::{World, ms, word};

impl World {
    pub async fn post(&mut self, at: usize) {
        let mut request = self.a_request();
        if self.rng.percent(30) {
            let new = format!("token-{}", self.rng.next());
            let old = match self.rng.percent(50) {
                true => self.places[at].topic.ended.pop(),
                false => None,
            };
            if old.is_some() {
                self.saw("token of a topic that was deleted");
            }
            request.token = old.or(Some(new));
        }
        self.note(at, format!("post {request:?}"));
        match request.messages.len() {
            0 => {
                let ids = self.topic(at).post_many([]).await.unwrap();
                assert_eq!(ids, []);
                self.saw("post of nothing");
            }
            251.. => {
                let refused = sent(&self.topic(at), &request, None).await;
                assert_eq!(word(refused), "TOOLARGE");
                self.saw("refused: post of 251");
            }
            _ => self.post_request(at, request).await,
        }
    }

    /// With a token that is in use, the same content or another.
    pub async fn post_again(&mut self, at: usize) {
        let now = self.now;
        let used = &self.places[at].topic.used;
        let good: Vec<&Used> = used
            .iter()
            .filter(|used| now - used.at < TOKENS_LIVE)
            .collect();
        if good.is_empty() {
            return self.post(at).await;
        }
        let used = good[self.rng.below(good.len())];
        let (mut request, ids) = (used.request.clone(), used.ids.clone());
        let other_content = self.rng.percent(40);
        if other_content {
            match self.rng.below(3) {
                0 => request.messages[0].0 = "other".into(),
                1 => request.messages[0].1 = Some(77_777),
                _ => {
                    let own = request.messages[0].2.or(request.delay);
                    request.messages[0].2 = Some(own.map_or(0, |delay| delay + 1));
                }
            }
        }
        self.note(at, format!("post again {request:?}"));
        let answer = sent(&self.topic(at), &request, None).await;
        if other_content {
            assert_eq!(word(answer), "TOKENREUSED");
            return self.saw("refused: TOKENREUSED");
        }
        assert_eq!(answer.unwrap(), ids);
        self.saw("post repeated");
        let topic = &self.places[at].topic;
        if ids.iter().any(|id| topic.find(*id, now).is_none()) {
            self.saw("post repeated, messages gone");
        }
    }

    async fn post_request(&mut self, at: usize, request: Request) {
        let program = self.rng.below(2);
        let guest = self.rng.percent(15).then_some("guest");
        let is_strict = self.rng.percent(8);
        let topic = match is_strict {
            true => {
                let store = self.strict.at(self.now);
                let place = &self.places[at];
                store.topic(place.project, place.name).unwrap()
            }
            false => self.topic_of(program, at),
        };
        let answer = sent(&topic, &request, guest).await;
        // Whether there is a topic is looked at last: a post that is refused makes none.
        if let Some(refusal) = self.places[at].topic.refusal(&request) {
            assert_eq!(word(answer), refusal);
            return self.saw(match refusal {
                "BADARG" => "refused: BADARG post",
                _ => "refused: TOOLARGE post",
            });
        }
        if self.places[at].topic.settings.is_none() {
            if is_strict {
                self.assert_gone(at, answer);
                return self.saw("refused: strict post");
            }
            self.places[at].topic.settings = Some(Settings::default());
            self.saw("post made the topic");
            self.noticed_new(at);
        }
        let (now, model) = (self.now, &mut self.places[at].topic);
        let own = ["press", "desk"][program];
        let client = guest.unwrap_or(if is_strict { "strict" } else { own });
        let ids = model.append(&request, client, now);
        assert_eq!(answer.unwrap(), ids);
        let (by_token, is_full) = (request.token.is_some(), ids.len() == 250);
        if by_token {
            let at = now;
            model.used.push(Used { request, ids, at });
            self.saw("post by token");
        }
        if is_full {
            self.saw("post of 250");
        }
    }

    /// One, a few or none; now and then as many as go, or one more.
    fn a_request(&mut self) -> Request {
        let many = match self.rng.below(100) {
            0 => 251,
            1 => 250,
            2..=4 => 0,
            5..=54 => 1,
            _ => 2 + self.rng.below(4),
        };
        let mut maybe = |chance, low, high| {
            let value = self.rng.between(low, high);
            self.rng.percent(chance).then_some(value)
        };
        // Many that live long would only make every page longer.
        let often = if many > 6 { 100 } else { 60 };
        let (ttl, delay) = (maybe(often, 1, 400), maybe(30, 0, 120));
        let (ttl, delay) = match maybe(2, 0, 0) {
            Some(zero) => (Some(zero), delay),
            None => (ttl, delay),
        };
        let messages = (0..many).map(|n| {
            let body = format!("{n}-{}", maybe(100, 0, 99_999).unwrap_or_default());
            match many > 6 {
                true => (body, None, None),
                false => (body, maybe(25, 1, 400), maybe(30, 0, 120)),
            }
        });
        Request {
            messages: messages.collect(),
            ttl,
            delay,
            token: None,
        }
    }

    /// A topic is there that was not; it may have been before.
    pub fn noticed_new(&mut self, at: usize) {
        if self.places[at].topic.last.is_some() {
            self.saw("made again, ids go on");
        }
    }
}

async fn sent(topic: &Topic, request: &Request, client: Option<&str>) -> Result<Vec<MessageId>> {
    let message = |(body, ttl, delay): &(String, Option<u64>, Option<u64>)| {
        let mut message = NewMessage::new(body).unwrap();
        if let Some(ttl) = ttl {
            message = message.ttl(ms(*ttl));
        }
        if let Some(delay) = delay {
            message = message.delay(ms(*delay));
        }
        message
    };
    let mut post = match &request.messages[..] {
        [(body, None, None)] => topic.post(body),
        messages => topic.post_many(messages.iter().map(message)),
    };
    if let Some(ttl) = request.ttl {
        post = post.ttl(ms(ttl));
    }
    if let Some(delay) = request.delay {
        post = post.delay(ms(delay));
    }
    if let Some(token) = &request.token {
        post = post.token(token);
    }
    if let Some(client) = client {
        post = post.client(client);
    }
    post.await
}

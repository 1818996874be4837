//! Operations that bring messages in, and those that take them out for good.
//!
//! Guards ids: they grow, and none is ever given twice.

use crate::args;
use crate::envelope::Extras;
use crate::queue::{Message, Queue, Receipt, TWO_WEEKS};
use crate::reply::{self, Id};
use crate::rules::{Refused, refused};
use crate::world::World;

pub struct Spec {
    pub ttl: Option<u64>,
    pub delay: Option<u64>,
    pub body: Vec<u8>,
}

impl World {
    pub fn post(&mut self, q: usize) {
        let crowded = self.queues[q].log.len() > 300;
        let many = if crowded { 1 } else { self.pick_count() };
        let same_ttl = self.rng.percent(50).then(|| self.pick_ttl());
        let plain = self.queues[q].plain && !self.rng.percent(2);
        let mut specs = Vec::new();
        for _ in 0..many {
            if plain {
                let body = self.body();
                specs.push(Spec {
                    ttl: None,
                    delay: None,
                    body,
                });
                continue;
            }
            let ttl = match self.rng.below(10) {
                0..=4 => same_ttl,
                5 | 6 => Some(self.pick_ttl()),
                _ => None,
            };
            let delay = match self.rng.below(10) {
                0 => Some(self.rng.duration(3_600_000)),
                1 => Some(self.rng.below(3) as u64),
                2 | 3 => Some(0),
                _ => None,
            };
            let body = self.body();
            specs.push(Spec { ttl, delay, body });
        }
        self.mend(q, &mut specs);
        let client = self.pick_client();
        let (token, digest) = self.pick_token(q);
        let max_body = if self.rng.percent(3) {
            Some(self.rng.between(1, 60))
        } else {
            None
        };
        self.post_these(q, &specs, &client, &token, &digest, max_body);
    }

    /// Few posts should be refused for a delay that is not less than the ttl.
    fn mend(&mut self, q: usize, specs: &mut [Spec]) {
        let queue = &self.queues[q];
        let default_ttl = queue.number("_default_message_ttl").unwrap_or(TWO_WEEKS);
        let default_delay = queue.number("_default_message_delay").unwrap_or(0);
        for spec in specs {
            let ttl = spec.ttl.unwrap_or(default_ttl);
            if spec.delay.unwrap_or(default_delay) >= ttl && !self.rng.percent(3) {
                spec.delay = Some(self.rng.below(ttl as usize) as u64);
            }
        }
    }

    /// A few bytes of MessagePack, each time others; rarely many.
    pub fn body(&mut self) -> Vec<u8> {
        self.bodies += 1;
        let mut body = vec![0xce];
        body.extend((self.bodies as u32).to_be_bytes());
        let padding = match self.rng.below(400) {
            0 => 70_000,
            1..=8 => 300,
            _ => self.rng.below(40),
        };
        if padding > 0 {
            // An array of the number and a string.
            body.insert(0, 0x92);
            body.push(0xdb);
            body.extend((padding as u32).to_be_bytes());
            body.resize(body.len() + padding, b'.');
        }
        body
    }

    /// Mostly none; else one that was used before, maybe for something else, or a new one.
    pub fn pick_token(&mut self, q: usize) -> (String, String) {
        if self.rng.percent(85) {
            return (String::new(), String::new());
        }
        let known = self.queues[q].tokens.keys().min().cloned();
        let digest = format!("digest{}", self.rng.below(3));
        match known {
            Some(token) if self.rng.percent(50) => (token, digest),
            _ => (format!("token {}", self.rng.below(20)), digest),
        }
    }

    pub fn post_these(
        &mut self,
        q: usize,
        specs: &[Spec],
        client: &str,
        token: &str,
        digest: &str,
        max_body: Option<u64>,
    ) {
        let mut args = args![
            self.now,
            client,
            token,
            digest,
            max_body.map(|n| n.to_string()).unwrap_or_default()
        ];
        for spec in specs {
            let number = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
            args.push(number(spec.ttl).into());
            args.push(number(spec.delay).into());
            args.push(bin(&spec.body));
        }
        let outcome = self.call(q, "post", args);
        let queue = &self.queues[q];
        if let Some((at, receipt)) = queue.tokens.get(token).filter(|_| queue.exists) {
            let before = match receipt {
                Receipt::Post { digest: first, ids } if first == digest => Ok(ids.clone()),
                _ => refused("TOKENREUSED", token),
            };
            let known = self.knows_token(*at)
                || match (&before, &outcome) {
                    (Ok(ids), Ok(reply)) => reply::ids(reply) == *ids,
                    (Err(_), Err(refusal)) => refusal.word == "TOKENREUSED",
                    _ => false,
                };
            if known {
                if let Some((reply, ids)) = self.agree(outcome, before) {
                    assert_eq!(reply::ids(&reply), ids, "ids of a repeated post");
                }
                return;
            }
        }
        let expected = expected_post(queue, specs, max_body);
        let exists = queue.exists;
        let Some((reply, terms)) = self.agree(outcome, expected) else {
            if !exists && self.rng.percent(80) {
                self.create(q);
            }
            return;
        };
        let ids = reply::ids(&reply);
        assert_eq!(ids.len(), specs.len(), "an id for each message");
        let first = ids[0];
        let now = self.now;
        let queue = self.queue(q);
        assert_eq!(
            first.ms,
            now.max(queue.last_id.ms),
            "an id has the time of its posting"
        );
        assert!(first > queue.last_id, "{first} after {}", queue.last_id);
        for (i, id) in ids.iter().enumerate() {
            assert_eq!(
                *id,
                Id {
                    ms: first.ms,
                    seq: first.seq + i as u64
                },
                "ids follow each other"
            );
            assert!(!queue.ids_ever.contains(id), "{id} is given a second time");
            queue.append(Message {
                id: *id,
                ttl: terms[i].0,
                delay: terms[i].1,
                client: client.into(),
                extras: Extras::default(),
                body: specs[i].body.clone(),
                expires: 0,
                delayed: 0,
                tries: 0,
                holder: None,
            });
            queue.ledger.posted += 1;
        }
        let free_from = terms.iter().map(|(_, delay)| match delay {
            0 => 0,
            delay => first.ms + delay,
        });
        let free_from = free_from.min().expect("a message");
        if !token.is_empty() {
            let receipt = Receipt::Post {
                digest: digest.into(),
                ids,
            };
            queue.tokens.insert(token.into(), (now, receipt));
        }
        self.wake(q, free_from);
    }
}

/// Ttl and delay of each message, or the refusal that comes first.
fn expected_post(
    queue: &Queue,
    specs: &[Spec],
    max_body: Option<u64>,
) -> Result<Vec<(u64, u64)>, Refused> {
    let default_ttl = queue.number("_default_message_ttl").unwrap_or(TWO_WEEKS);
    let default_delay = queue.number("_default_message_delay").unwrap_or(0);
    let mut terms = Vec::new();
    let mut size = 0;
    for spec in specs {
        let ttl = spec.ttl.unwrap_or(default_ttl);
        let delay = spec.delay.unwrap_or(default_delay);
        if delay >= ttl {
            return refused("BADARG", "delay");
        }
        if spec.body.len() as u64 > max_body.unwrap_or(256 << 10) {
            return refused("TOOLARGE", "body");
        }
        size += spec.body.len() as u64;
        terms.push((ttl, delay));
    }
    if size > queue.number("_max_messages_post_size").unwrap_or(4 << 20) {
        return refused("TOOLARGE", "post");
    }
    if !queue.exists {
        return refused("QUEUEGONE", "");
    }
    Ok(terms)
}

/// A body as the post script takes it.
pub fn bin(body: &[u8]) -> Vec<u8> {
    let mut bin = match body.len() {
        n if n < 1 << 8 => vec![0xc4, n as u8],
        n if n < 1 << 16 => vec![0xc5, (n >> 8) as u8, n as u8],
        n => [&[0xc6], (n as u32).to_be_bytes().as_slice()].concat(),
    };
    bin.extend(body);
    bin
}

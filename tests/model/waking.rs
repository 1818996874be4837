//! Who waits, and what is published for them.
//!
//! Guards that nobody sleeps while there is something to claim, and that exactly this is published,
//! while `now` is before the time until which the last of those who wait is going to:
//!
//! - messages come, by a post or as letters: 0; where all are delayed, the earliest end of a delay;
//! - messages of a claim are given back, by a release or a nack: 0; with a delay, its end; of the dead
//!   among them nothing;
//! - a claim is renewed to an earlier deadline: that deadline;
//! - a sweep ends claims that have lapsed, and not all they held is dead: 0; it ends delays: 0;
//! - a queue is made: 0, whether anybody waits or not, since there was nowhere to say so.
//!
//! Whoever would have to publish and finds that nobody waits any more takes the note away.

use redis::{Connection, Value};

use crate::common;
use crate::reply;
use crate::world::World;

/// A connection that is subscribed to all queues, in both ways of subscribing.
pub struct Ear {
    connection: Connection,
    pings: u64,
}

/// What a channel said, and in which of the two ways.
type Heard = (String, String, String);

impl Ear {
    pub fn new(server: &common::Server, channels: &[String]) -> Ear {
        let client = redis::Client::open(server.url()).expect("the server's own url");
        let connection = client.get_connection().expect("a connection");
        let mut ear = Ear {
            connection,
            pings: 0,
        };
        ear.subscribe("SUBSCRIBE", channels);
        if common::version() >= (7, 0) {
            ear.subscribe("SSUBSCRIBE", channels);
        }
        ear
    }

    fn subscribe(&mut self, how: &str, channels: &[String]) {
        self.send(redis::cmd(how).arg(channels));
        for _ in channels {
            self.connection.recv_response().expect("a subscription");
        }
    }

    fn send(&mut self, command: &redis::Cmd) {
        let sent = self
            .connection
            .send_packed_command(&command.get_packed_command());
        sent.expect("the server to listen");
    }

    /// All that was published before this moment: what stands before the answer to a PING.
    fn hear(&mut self) -> Vec<Heard> {
        self.pings += 1;
        let ping = self.pings.to_string();
        self.send(redis::cmd("PING").arg(&ping));
        let mut heard = Vec::new();
        loop {
            let reply = self.connection.recv_response().expect("a message");
            let words: Vec<String> = reply::list(&reply).iter().map(reply::text).collect();
            match words.as_slice() {
                [pong, answer] if pong == "pong" && *answer == ping => return heard,
                [kind, channel, payload] => {
                    heard.push((kind.clone(), channel.clone(), payload.clone()))
                }
                other => panic!("{other:?} on a connection that is subscribed"),
            }
        }
    }
}

/// Somebody who was left empty-handed, and sleeps.
pub struct Waiter {
    queue: usize,
    until: u64,
    wakes: u64,
}

/// Messages that a sweep may free: under a claim, and after a delay that has ended.
struct Overdue {
    held: u64,
    matured: u64,
}

impl World {
    /// Something can be claimed from `at` on (0 = now).
    pub fn wake(&mut self, q: usize, at: u64) {
        let now = self.now;
        let queue = self.queue(q);
        match queue.waiting_until {
            Some(until) if now < until => self.published.push((q, at)),
            Some(_) => {
                queue.waiting_until = None;
                self.notes_taken += 1;
            }
            None => {}
        }
    }

    /// Takes all there is, and waits for more.
    pub fn empty_and_wait(&mut self, q: usize) {
        self.greedy = true;
        for _ in 0..3 {
            if self.rng.percent(70) {
                self.claim(q);
            } else {
                self.pop(q);
            }
        }
        self.greedy = false;
    }

    /// How long a caller is going to wait, if it does.
    pub fn pick_wait(&mut self) -> Option<u64> {
        let waits = self.greedy || self.rng.percent(40);
        waits.then(|| self.rng.duration(2 * 3_600_000))
    }

    /// What a caller that waits is told where there is nothing. Answers the reply of one that does not.
    pub fn empty_handed(&mut self, q: usize, reply: Value, wait: Option<u64>) -> Value {
        let Some(wait) = wait else {
            return reply;
        };
        let values = reply::list(&reply);
        assert!(!values.is_empty(), "a caller that waits learns nothing");
        if values.len() != 2 {
            return reply;
        }
        // What was published before it fell asleep does not wake it.
        self.listen();
        let (now, queue) = (self.now, &mut self.queues[q]);
        let delays = queue.log.values().map(|message| message.delayed);
        let deadlines = queue.claims.values().map(|claim| claim.deadline);
        let at = delays.chain(deadlines).filter(|at| *at > now).min();
        let told = (reply::int(&values[0]), reply::int(&values[1]));
        assert_eq!(told, (now, at.unwrap_or(0)), "now, and when to look again");
        if queue.exists {
            queue.waiting_until = queue.waiting_until.max(Some(now + wait));
        }
        self.waits += 1;
        self.waiters.push(Waiter {
            queue: q,
            until: now + wait,
            wakes: at.unwrap_or(u64::MAX),
        });
        Value::Array(Vec::new())
    }

    /// Whether what was published is what had to be; it wakes those who wait.
    fn listen(&mut self) {
        let way = if common::version() >= (7, 0) {
            "smessage"
        } else {
            "message"
        };
        let expected = std::mem::take(&mut self.published);
        let said = |(q, at): &(usize, u64)| {
            let channel = self.queues[*q].channel();
            (way.to_owned(), channel, at.to_string())
        };
        let heard = self.ear.hear();
        assert_eq!(
            heard,
            expected.iter().map(said).collect::<Vec<_>>(),
            "what is published"
        );
        for (q, at) in expected {
            self.said.0 += u64::from(at == 0);
            self.said.1 += u64::from(at > 0);
            for waiter in self.waiters.iter_mut().filter(|waiter| waiter.queue == q) {
                waiter.wakes = waiter.wakes.min(at);
            }
        }
    }

    /// After each operation: nobody sleeps beside something to claim, and the notes are right.
    pub fn check_waiting(&mut self) {
        self.listen();
        let now = self.now;
        self.waiters
            .retain(|waiter| now < waiter.until && now < waiter.wakes);
        for waiter in &self.waiters {
            let claimable = self.queues[waiter.queue].claimable(now);
            assert!(
                claimable.is_empty(),
                "somebody waits for {:?} until {}, sleeps until {}, and there is {claimable:?}",
                self.queues[waiter.queue].name,
                waiter.until,
                waiter.wakes
            );
        }
        for q in std::mem::take(&mut self.touched) {
            let meta = self.queues[q].keys.key(marconi_redis::keys::Part::Meta);
            let note = self.client.command(&["HGET", &meta, "waiting_until"]);
            let note = (note != Value::Nil).then(|| reply::text(&note));
            let expected = self.queues[q].waiting_until.map(|until| until.to_string());
            assert_eq!(note, expected, "waiting_until of {:?}", self.queues[q].name);
        }
    }
}

/// Sweeps, which free by themselves.
impl World {
    /// A step of the housekeeping with what it has to publish. Of a step that begins and ends the work the
    /// model knows what it frees; of one of several only what is stored can tell.
    pub fn wake_for(&mut self, q: usize, step: impl FnOnce(&mut World) -> bool) -> bool {
        if self.queues[q].waiting_until.is_none() {
            return step(self);
        }
        let whole = !self.queues[q].half_swept;
        let known = self.overdue(q);
        let (before, died) = (self.overdue_in_store(q), self.queues[q].ledger.died);
        let more = step(self);
        let freed = if whole && !more {
            known
        } else {
            let after = self.overdue_in_store(q);
            Overdue {
                held: before.held - after.held,
                matured: before.matured - after.matured,
            }
        };
        if freed.held > self.queues[q].ledger.died - died {
            self.wake(q, 0);
        }
        if freed.matured > 0 {
            self.wake(q, 0);
        }
        more
    }

    fn overdue(&self, q: usize) -> Overdue {
        let (now, queue) = (self.now, &self.queues[q]);
        let lapsed = queue.claims.values().filter(|claim| claim.deadline <= now);
        let delays = queue.log.values().map(|message| message.delayed);
        Overdue {
            held: lapsed.map(|claim| claim.ids.len() as u64).sum(),
            matured: delays.filter(|end| *end > 0 && *end <= now).count() as u64,
        }
    }

    fn overdue_in_store(&mut self, q: usize) -> Overdue {
        use marconi_redis::keys::Part;
        let now = self.now.to_string();
        let keys = self.queues[q].keys.clone();
        let mut count = |words: &[&str]| reply::int(&self.client.command(words));
        let fields = count(&["HLEN", &keys.key(Part::Held)]);
        let claims = count(&["ZCARD", &keys.key(Part::Claims)]);
        let matured = count(&["ZCOUNT", &keys.key(Part::Delayed), "-inf", &now]);
        Overdue {
            held: fields - claims,
            matured,
        }
    }
}

//! Whether any call is long at its bounds: 250 messages, bodies of 1 KB.
//!
//! Guards the bound of 5 ms for each script that takes a batch, on its usual and on its slow path.

use redis::{RedisResult, Value};

use marconi_redis::script::{
    CLAIM_GET, DEAD_DELIVER, DEAD_SETTLE, DEAD_TRANSIT, DELETE, GET, LIST, NACK, POP, POST,
    RELEASE, RENEW,
};

use crate::Size;
use crate::meter::{Cost, Meter};
use crate::queue::{Call, DEFAULT, FOURTEEN_DAYS, HOUR, Queue, START, body, ids_in, new_claim};
use crate::report::Table;

/// Messages a call.
const BATCH: usize = 250;

/// One queue, and the table of what was asked of it.
struct Batches<'a> {
    meter: &'a mut Meter,
    table: Table,
    queue: Queue,
    body: Vec<u8>,
    now: u64,
    times: usize,
}

/// A claim and what it holds.
struct Held {
    claim: String,
    ids: Vec<String>,
}

/// Every script that takes a batch.
pub fn measure(meter: &mut Meter, size: Size) -> RedisResult<Table> {
    let mut batches = Batches {
        queue: Queue::create(meter, "batch", &[])?,
        meter,
        table: Table::of_calls("calls at their bounds: 250 messages of 1 KB"),
        body: body(1024),
        now: START,
        times: size.rounds.div_ceil(3),
    };
    batches.posts()?;
    batches.claims()?;
    batches.reads()?;
    batches.deletes()?;
    batches.lapsed_deletes()?;
    batches.returns()?;
    batches.pops()?;
    batches.dead_letters()?;
    Ok(batches.table)
}

impl Batches<'_> {
    fn posts(&mut self) -> RedisResult<()> {
        self.each("post of 250", |all| Ok(all.post_with(DEFAULT)))?;
        self.each(
            "post of 250, each with a ttl of its own and a delay",
            |all| {
                let shape =
                    |i: usize| ((FOURTEEN_DAYS - i as u64).to_string(), (i + 1).to_string());
                Ok(all.post_with(shape))
            },
        )?;
        self.each("post of 250 with a token", |all| {
            let (token, digest) = (new_claim(), "digest");
            let mut call = all.queue.call(&POST, (all.now, "bench", token, digest, ""));
            for _ in 0..BATCH {
                call.cmd.arg("").arg("").arg(&all.body);
            }
            Ok(call)
        })
    }

    fn claims(&mut self) -> RedisResult<()> {
        self.each("claim of 250", |all| {
            all.post(DEFAULT)?;
            Ok(all.queue.claim(all.now, HOUR, BATCH))
        })?;
        self.each("claim of 250 that extends all", |all| {
            all.post(|_| ((HOUR / 2).to_string(), String::new()))?;
            Ok(all.queue.claim(all.now, HOUR, BATCH))
        })?;
        self.each("claim of 250, each with a ttl of its own", |all| {
            all.post(|i| ((FOURTEEN_DAYS - 1 - i as u64).to_string(), String::new()))?;
            Ok(all.queue.claim(all.now, HOUR, BATCH))
        })?;
        self.each("claim of 250 that came back", |all| {
            let held = all.held()?;
            all.unmeasured(&all.queue.call(&RELEASE, (all.now, &held.claim, "")))?;
            Ok(all.queue.claim(all.now, HOUR, BATCH))
        })?;
        self.each("claim of 250, repeated", |all| {
            let held = all.held()?;
            Ok(all.queue.claim_as(&held.claim, all.now, HOUR, BATCH))
        })?;
        self.each("renew of 250 that extends all", |all| {
            let held = all.held()?;
            let ttl = FOURTEEN_DAYS + HOUR;
            Ok(all.queue.call(&RENEW, (all.now, &held.claim, ttl, HOUR)))
        })
    }

    fn reads(&mut self) -> RedisResult<()> {
        self.each("claim_get of 250", |all| {
            let held = all.held()?;
            Ok(all.queue.call(&CLAIM_GET, (all.now, &held.claim)))
        })?;
        self.each("get of 250", |all| {
            let held = all.held()?;
            Ok(all.queue.call(&GET, (all.now, &held.ids)))
        })?;
        self.each("list of 250", |all| {
            all.post(DEFAULT)?;
            Ok(all.queue.call(&LIST, (all.now, "", BATCH, "", "", "")))
        })?;
        self.each("list of 250, all claimed", |all| {
            all.held()?;
            Ok(all.queue.call(&LIST, (all.now, "", BATCH, "", "1", "1")))
        })?;
        self.each("list of 250 that came back", |all| {
            let held = all.held()?;
            all.unmeasured(&all.queue.call(&RELEASE, (all.now, &held.claim, "")))?;
            Ok(all.queue.call(&LIST, (all.now, "", BATCH, "", "", "")))
        })
    }

    fn deletes(&mut self) -> RedisResult<()> {
        self.each("delete of 250 by their claim", |all| {
            let held = all.held()?;
            Ok(all.queue.call(&DELETE, (all.now, &held.claim, &held.ids)))
        })?;
        self.each("delete of 250 by their claim, all extended", |all| {
            all.post(|_| ((HOUR / 2).to_string(), String::new()))?;
            let held = all.claim(BATCH)?;
            Ok(all.queue.call(&DELETE, (all.now, &held.claim, &held.ids)))
        })?;
        self.each("delete of 250 that are free", |all| {
            all.post(DEFAULT)?;
            let held = all.claim(BATCH)?;
            all.unmeasured(&all.queue.call(&RELEASE, (all.now, &held.claim, "")))?;
            Ok(all.queue.call(&DELETE, (all.now, "", &held.ids)))
        })?;
        self.each("delete of 1 out of a claim of 250", |all| {
            let held = all.held()?;
            Ok(all
                .queue
                .call(&DELETE, (all.now, &held.claim, &held.ids[100])))
        })?;
        self.each("nack of 1 out of a claim of 250", |all| {
            let held = all.held()?;
            Ok(all
                .queue
                .call(&NACK, (all.now, &held.claim, 0, "", &held.ids[100])))
        })
    }

    /// What has lapsed and was not swept yet.
    fn lapsed_deletes(&mut self) -> RedisResult<()> {
        self.each("delete of 250 whose claim has lapsed", |all| {
            let held = all.held()?;
            all.now += HOUR;
            Ok(all.queue.call(&DELETE, (all.now, "", &held.ids)))
        })?;
        // Each takes 250 posts and claims of 250 to prepare.
        let times = std::mem::replace(&mut self.times, 2);
        self.each("delete of 250 out of 250 lapsed claims of 250", |all| {
            let mut ids = Vec::new();
            for _ in 0..BATCH {
                ids.push(all.held()?.ids.swap_remove(100));
            }
            all.now += HOUR;
            Ok(all.queue.call(&DELETE, (all.now, "", &ids)))
        })?;
        self.times = times;
        Ok(())
    }

    fn returns(&mut self) -> RedisResult<()> {
        self.each("release of 250", |all| {
            let held = all.held()?;
            Ok(all.queue.call(&RELEASE, (all.now, &held.claim, "")))
        })?;
        self.each("nack of 250", |all| {
            let held = all.held()?;
            Ok(all
                .queue
                .call(&NACK, (all.now, &held.claim, 0, "", &held.ids)))
        })?;
        self.each("nack of 250 with a delay", |all| {
            let held = all.held()?;
            Ok(all
                .queue
                .call(&NACK, (all.now, &held.claim, 1000, "", &held.ids)))
        })
    }

    fn pops(&mut self) -> RedisResult<()> {
        self.each("pop of 250", |all| {
            all.post(DEFAULT)?;
            Ok(all.queue.call(&POP, (all.now, BATCH, "", "", "")))
        })?;
        self.each("pop of 250 with a token", |all| {
            all.post(DEFAULT)?;
            Ok(all.queue.call(&POP, (all.now, BATCH, new_claim(), "", "")))
        })?;
        self.each("pop of 250 with a token, repeated", |all| {
            all.post(DEFAULT)?;
            let token = new_claim();
            let call = || all.queue.call(&POP, (all.now, BATCH, &token, "", ""));
            all.meter.call(&call())?;
            Ok(call())
        })?;
        self.each("pop of 250 that came back", |all| {
            let held = all.held()?;
            all.unmeasured(&all.queue.call(&RELEASE, (all.now, &held.claim, "")))?;
            Ok(all.queue.call(&POP, (all.now, BATCH, "", "", "")))
        })
    }

    fn dead_letters(&mut self) -> RedisResult<()> {
        let target = Queue::create(self.meter, "target", &[])?;
        let used_up = [("_max_claim_count", "1"), ("_dead_letter_queue", "target")];
        self.queue = Queue::create(self.meter, "dying", &used_up)?;
        self.each("release of 250 whose claims are used up", |all| {
            let held = all.held()?;
            Ok(all.queue.call(&RELEASE, (all.now, &held.claim, "")))
        })?;
        self.each("nack of 250 whose claims are used up", |all| {
            let held = all.held()?;
            Ok(all
                .queue
                .call(&NACK, (all.now, &held.claim, 0, "", &held.ids)))
        })?;
        self.each("dead/transit of 250", |all| {
            all.letters()?;
            Ok(all.queue.call(&DEAD_TRANSIT, ("", BATCH)))
        })?;
        self.each("dead/deliver of 250", |all| {
            let letters = all.letters()?;
            let mut call = target.call(&DEAD_DELIVER, (all.now, "bench/dying"));
            for letter in letters.chunks(3) {
                call.cmd.arg(&letter[0]).arg(&letter[2]);
            }
            Ok(call)
        })?;
        self.each("dead/settle of 250", |all| {
            let letters = all.letters()?;
            let ids: Vec<Vec<u8>> = letters.into_iter().step_by(3).collect();
            Ok(all.queue.call(&DEAD_SETTLE, &ids))
        })
    }

    /// A row of calls; each is prepared, unmeasured, from a queue that is empty.
    fn each(
        &mut self,
        what: &str,
        mut prepare: impl FnMut(&mut Self) -> RedisResult<Call>,
    ) -> RedisResult<()> {
        let mut cost = Cost::default();
        for _ in 0..self.times {
            self.now += 1;
            let purge = self
                .queue
                .call(&marconi_redis::script::QUEUE_PURGE, self.now);
            self.meter
                .drive(&mut Cost::default(), &self.queue, self.now, &purge)?;
            self.now += 1;
            let call = prepare(self)?;
            // A queue that gives its claims a limit starts as one where something is due.
            self.meter.drive(&mut cost, &self.queue, self.now, &call)?;
        }
        self.table.calls(what, &cost);
        Ok(())
    }

    fn post_with(&self, shape: impl Fn(usize) -> (String, String)) -> Call {
        self.queue.post(self.now, BATCH, shape, &self.body)
    }

    fn post(&mut self, shape: impl Fn(usize) -> (String, String)) -> RedisResult<()> {
        let call = self.post_with(shape);
        self.unmeasured(&call).map(drop)
    }

    fn unmeasured(&mut self, call: &Call) -> RedisResult<Value> {
        self.meter
            .drive(&mut Cost::default(), &self.queue, self.now, call)
    }

    fn claim(&mut self, limit: usize) -> RedisResult<Held> {
        let claim = new_claim();
        let call = self.queue.claim_as(&claim, self.now, HOUR, limit);
        let ids = ids_in(&self.unmeasured(&call)?, 5)?;
        assert_eq!(ids.len(), limit, "a claim that is full");
        Ok(Held { claim, ids })
    }

    /// Posted and claimed.
    fn held(&mut self) -> RedisResult<Held> {
        self.post(DEFAULT)?;
        self.claim(BATCH)
    }

    /// 250 letters in the outbox, and no more: of each its id, its address, the letter.
    fn letters(&mut self) -> RedisResult<Vec<Vec<u8>>> {
        let transit = self.queue.call(&DEAD_TRANSIT, ("", BATCH));
        loop {
            let letters: Vec<Vec<u8>> = redis::from_redis_value(self.meter.call(&transit)?)?;
            if letters.is_empty() {
                break;
            }
            let ids: Vec<Vec<u8>> = letters.into_iter().step_by(3).collect();
            self.unmeasured(&self.queue.call(&DEAD_SETTLE, &ids))?;
        }
        let held = self.held()?;
        self.unmeasured(&self.queue.call(&RELEASE, (self.now, &held.claim, "")))?;
        Ok(redis::from_redis_value(self.meter.call(&transit)?)?)
    }
}

//! What ours would cost if it kept no rules: scripts that store and remove the same, and look at nothing.
//!
//! Guards the price of the rules: log, cursor, claim, its record and its deadline are written as ours writes them; there
//! is no ttl, delay, token, limit, check of an argument, and no refusal.

use redis::{Cmd, Pipeline, RedisResult, Value, cmd};

use super::{CLIENT, Wire};
use crate::meter::Meter;
use crate::queue::{HOUR, at_random, new_claim, nth_id};

const POST: &str = include_str!("shape/post.lua");
const CLAIM: &str = include_str!("shape/claim.lua");
const DELETE: &str = include_str!("shape/delete.lua");

pub struct Shape {
    log: String,
    meta: String,
    held: String,
    claims: String,
    /// Digests of post, claim, delete.
    scripts: [String; 3],
}

impl Shape {
    pub fn create(meter: &mut Meter, name: &str) -> RedisResult<Shape> {
        let mut load = redis::pipe();
        for source in [POST, CLAIM, DELETE] {
            load.cmd("SCRIPT").arg("LOAD").arg(source);
        }
        let digests = meter.send(&load)?;
        let digest = |i: usize| redis::from_redis_value(digests[i].clone());
        let key = |part: &str| format!("shape:{{bench/{name}}}:{part}");
        Ok(Shape {
            log: key("log"),
            meta: key("meta"),
            held: key("held"),
            claims: key("claims"),
            scripts: [digest(0)?, digest(1)?, digest(2)?],
        })
    }

    fn ids(claimed: &Value) -> RedisResult<Vec<String>> {
        let ids = claimed.as_sequence().unwrap_or_default().iter().step_by(2);
        ids.map(|id| Ok(redis::from_redis_value(id.clone())?))
            .collect()
    }
}

impl Wire for Shape {
    fn name(&self) -> &'static str {
        super::SHAPE
    }

    fn post(&self, all: &mut Pipeline, count: usize, body: &[u8]) {
        all.cmd("EVALSHA").arg(&self.scripts[0]).arg(1);
        all.arg(&self.log).arg(CLIENT);
        for _ in 0..count {
            all.arg(body);
        }
    }

    fn claim(&self, limit: usize) -> (String, Cmd) {
        let claim = new_claim();
        let mut call = cmd("EVALSHA");
        call.arg(&self.scripts[1]).arg(4);
        call.arg(&[&self.log, &self.meta, &self.held, &self.claims]);
        call.arg(&claim).arg(HOUR).arg(limit);
        (claim, call)
    }

    fn delete(&self, all: &mut Pipeline, claim: &str, claimed: &Value) -> RedisResult<()> {
        all.cmd("EVALSHA").arg(&self.scripts[2]).arg(3);
        all.arg(&[&self.log, &self.held, &self.claims]);
        all.arg(claim).arg(Self::ids(claimed)?);
        Ok(())
    }

    fn brought(&self, claimed: &Value) -> RedisResult<usize> {
        Ok(Self::ids(claimed)?.len())
    }

    fn settle(&self, meter: &mut Meter, held: usize) -> RedisResult<()> {
        let mut reads = redis::pipe();
        for _ in 0..1000 {
            reads.cmd("HEXISTS").arg(&self.held).arg("").ignore();
        }
        for _ in 0..2 * held / 1000 {
            meter.send(&reads)?;
        }
        Ok(())
    }

    fn thin_out(
        &self,
        meter: &mut Meter,
        many: usize,
        left: usize,
        body: &[u8],
    ) -> RedisResult<()> {
        let head = [
            b"\x93\xce\x48\x19\x08\x00\xa5".as_slice(),
            CLIENT.as_bytes(),
        ]
        .concat();
        let envelope = [&head, body].concat();
        for from in (0..many).step_by(1000) {
            let mut commands = redis::pipe();
            for n in from..many.min(from + 1000) {
                let add = commands.cmd("XADD").arg(&self.log);
                add.arg(nth_id(n)).arg("m").arg(&envelope);
            }
            meter.send(&commands)?;
        }
        for ids in at_random(many)[left..].chunks(250) {
            let mut commands = redis::pipe();
            commands.cmd("XDEL").arg(&self.log).arg(ids);
            meter.send(&commands)?;
        }
        Ok(())
    }
}

//! What ours would cost if it kept no rules: the same calls, of scripts that store and remove the same and look at nothing.
//!
//! Guards the price of the rules: keys, arguments and replies are those of ours, word for word; only the digests differ.

use redis::{Arg, Cmd, Pipeline, RedisResult, Value};

use super::{Ours, Wire};
use crate::meter::Meter;

const POST: &str = include_str!("shape/post.lua");
const CLAIM: &str = include_str!("shape/claim.lua");
const DELETE: &str = include_str!("shape/delete.lua");

pub struct Shape {
    ours: Ours,
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
        Ok(Shape {
            ours: Ours::create(meter, &format!("{name}-shape"))?,
            scripts: [digest(0)?, digest(1)?, digest(2)?],
        })
    }

    /// A call of ours, of the script without rules instead.
    fn instead(&self, script: usize, call: &Cmd) -> Cmd {
        let mut instead = redis::cmd("EVALSHA");
        instead.arg(&self.scripts[script]);
        for arg in call.args_iter().skip(2) {
            if let Arg::Simple(bytes) = arg {
                instead.arg(bytes);
            }
        }
        instead
    }
}

impl Wire for Shape {
    fn name(&self) -> &'static str {
        super::SHAPE
    }

    fn post(&self, all: &mut Pipeline, count: usize, body: &[u8]) {
        all.add_command(self.instead(0, &self.ours.post_call(count, body)));
    }

    fn claim(&self, limit: usize) -> (String, Cmd) {
        let (claim, call) = self.ours.claim(limit);
        (claim, self.instead(1, &call))
    }

    fn delete(&self, all: &mut Pipeline, claim: &str, claimed: &Value) -> RedisResult<()> {
        let call = self.ours.delete_call(claim, claimed)?;
        all.add_command(self.instead(2, &call));
        Ok(())
    }

    fn brought(&self, claimed: &Value) -> RedisResult<usize> {
        self.ours.brought(claimed)
    }

    fn settle(&self, meter: &mut Meter, held: usize) -> RedisResult<()> {
        self.ours.settle(meter, held)
    }

    // What is deleted at random is held by no claim, which its delete does not know of; the log is the same.
    fn thin_out(
        &self,
        meter: &mut Meter,
        many: usize,
        left: usize,
        body: &[u8],
    ) -> RedisResult<()> {
        self.ours.thin_out(meter, many, left, body)
    }
}

//! A queue of this project, by its scripts.
//!
//! Guards that nothing is left out: every script is called as the library calls it, with all its keys and rules.

use redis::{Cmd, Pipeline, RedisResult, Value};

use marconi_redis::keys::Part;
use marconi_redis::script::DELETE;

use super::Wire;
use crate::meter::Meter;
use crate::queue::{DEFAULT, HOUR, Queue, SERVERS, START, at_random, ids_in, new_claim};

pub struct Ours(Queue);

impl Ours {
    pub fn create(meter: &mut Meter, name: &str) -> RedisResult<Ours> {
        Ok(Ours(Queue::create(meter, name, &[])?))
    }

    /// The call that [`Wire::post`] adds.
    pub fn post_call(&self, count: usize, body: &[u8]) -> Cmd {
        self.0.post(SERVERS, count, DEFAULT, body).cmd
    }

    /// The call that [`Wire::delete`] adds.
    pub fn delete_call(&self, claim: &str, claimed: &Value) -> RedisResult<Cmd> {
        Ok(self.0.call(&DELETE, ("", claim, ids_in(claimed, 5)?)).cmd)
    }
}

impl Wire for Ours {
    fn name(&self) -> &'static str {
        super::OURS
    }

    fn post(&self, all: &mut Pipeline, count: usize, body: &[u8]) {
        all.add_command(self.post_call(count, body));
    }

    fn claim(&self, limit: usize) -> (String, Cmd) {
        let claim = new_claim();
        let call = self.0.claim_as(&claim, SERVERS, HOUR, limit);
        (claim, call.cmd)
    }

    fn delete(&self, all: &mut Pipeline, claim: &str, claimed: &Value) -> RedisResult<()> {
        all.add_command(self.delete_call(claim, claimed)?);
        Ok(())
    }

    fn brought(&self, claimed: &Value) -> RedisResult<usize> {
        Ok(ids_in(claimed, 5)?.len())
    }

    fn settle(&self, meter: &mut Meter, held: usize) -> RedisResult<()> {
        self.0.settle(meter, Part::Held, 2 * held)
    }

    fn thin_out(
        &self,
        meter: &mut Meter,
        many: usize,
        left: usize,
        body: &[u8],
    ) -> RedisResult<()> {
        let now = self.0.fill(meter, START, many, DEFAULT, body)?;
        for ids in at_random(many)[left..].chunks(250) {
            meter.call(&self.0.call(&DELETE, (now, "", ids)))?;
        }
        Ok(())
    }
}

//! Raw Streams as one of the queues.
//!
//! Guards that the limit is the one of `cargo bench --bench flat`: both use the same commands.

use redis::{Cmd, Pipeline, RedisResult, Value};

use super::Wire;
use crate::meter::Meter;
use crate::queue::{at_random, nth_id};
use crate::streams::{Streams, ids_read};

pub struct Raw(Streams);

impl Raw {
    pub fn create(meter: &mut Meter, name: &str) -> RedisResult<Raw> {
        Ok(Raw(Streams::create(meter, &format!("raw:{name}"))?))
    }
}

impl Wire for Raw {
    fn name(&self) -> &'static str {
        super::STREAMS
    }

    fn client_bytes(&self) -> usize {
        0
    }

    fn post(&self, all: &mut Pipeline, count: usize, body: &[u8]) {
        for _ in 0..count {
            all.add_command(self.0.post(body));
        }
    }

    fn claim(&self, limit: usize) -> (String, Cmd) {
        (String::new(), self.0.read(limit))
    }

    fn delete(&self, all: &mut Pipeline, _: &str, claimed: &Value) -> RedisResult<()> {
        self.0.delete(all, &ids_read(claimed)?);
        Ok(())
    }

    fn brought(&self, claimed: &Value) -> RedisResult<usize> {
        Ok(ids_read(claimed)?.len())
    }

    // Its entries stand in trees, which grow as they are filled and leave nothing for later.
    fn settle(&self, _: &mut Meter, _: usize) -> RedisResult<()> {
        Ok(())
    }

    fn thin_out(
        &self,
        meter: &mut Meter,
        many: usize,
        left: usize,
        body: &[u8],
    ) -> RedisResult<()> {
        for from in (0..many).step_by(1000) {
            let mut commands = redis::pipe();
            for n in from..many.min(from + 1000) {
                commands.add_command(self.0.post_as(&nth_id(n), body));
            }
            meter.send(&commands)?;
        }
        for ids in at_random(many)[left..].chunks(250) {
            let mut commands = redis::pipe();
            self.0.delete(&mut commands, ids);
            meter.send(&commands)?;
        }
        Ok(())
    }
}

//! The queues that are measured on the wire: ours, raw Streams, and the shape of ours without its rules.
//!
//! Guards that the three are asked the same: as many messages, with the same bodies, in as many calls of theirs.

use redis::{Cmd, Pipeline, RedisResult, Value};

use crate::meter::Meter;

mod ours;
mod shape;
mod streams;

pub use ours::Ours;
pub use shape::Shape;
pub use streams::Raw;

/// The names of them in the results.
pub const OURS: &str = "marconi-redis";
pub const STREAMS: &str = "raw Streams";
pub const SHAPE: &str = "shape without rules";

/// Of every message on the wire.
pub const CLIENT: &str = "bench";
/// Messages in a call that fills a queue.
const FILLED_AT_ONCE: usize = 250;
/// Calls in a round trip that fills a queue or claims of it.
const CALLS_AT_ONCE: usize = 20;

/// A queue that takes commands.
pub trait Wire: Send + Sync {
    fn name(&self) -> &'static str;

    /// Bytes that its messages bear besides the body, by order: the name of the client.
    fn client_bytes(&self) -> usize {
        CLIENT.len()
    }

    /// A post of so many.
    fn post(&self, all: &mut Pipeline, count: usize, body: &[u8]);

    /// A claim of so many: what names it, and the call.
    fn claim(&self, limit: usize) -> (String, Cmd);

    /// Deletes what a claim brought.
    fn delete(&self, all: &mut Pipeline, claim: &str, claimed: &Value) -> RedisResult<()>;

    /// How many messages a claim brought.
    fn brought(&self, claimed: &Value) -> RedisResult<usize>;

    /// After the last of a fill, and of a hold: until nothing of the filling is left to be done.
    fn settle(&self, meter: &mut Meter, held: usize) -> RedisResult<()>;

    /// Posts so many.
    fn fill(&self, meter: &mut Meter, many: usize, body: &[u8]) -> RedisResult<()> {
        let mut posted = 0;
        while posted < many {
            let mut commands = redis::pipe();
            for _ in 0..CALLS_AT_ONCE {
                let count = (many - posted).min(FILLED_AT_ONCE);
                if count > 0 {
                    self.post(&mut commands, count, body);
                }
                posted += count;
            }
            meter.send(&commands)?;
        }
        Ok(())
    }

    /// Claims so many, `each` a claim, and deletes none.
    fn hold(&self, meter: &mut Meter, many: usize, each: usize) -> RedisResult<()> {
        let mut held = 0;
        while held < many {
            let mut commands = redis::pipe();
            for _ in 0..CALLS_AT_ONCE {
                if held < many {
                    commands.add_command(self.claim(each.min(many - held)).1);
                }
                held += each.min(many - held);
            }
            meter.send(&commands)?;
        }
        self.settle(meter, many)
    }

    /// Fills an empty server's queue, and deletes all but so many, in no order, none of them claimed.
    fn thin_out(&self, meter: &mut Meter, many: usize, left: usize, body: &[u8])
    -> RedisResult<()>;
}

/// All three, new, under these names.
pub fn all(meter: &mut Meter, name: &str) -> RedisResult<Vec<Box<dyn Wire>>> {
    Ok(vec![
        Box::new(Ours::create(meter, name)?),
        Box::new(Raw::create(meter, name)?),
        Box::new(Shape::create(meter, name)?),
    ])
}

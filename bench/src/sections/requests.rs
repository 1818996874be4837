//! A life where each call is a request of its own, from many connections at once.
//!
//! Guards that the price of a request is counted, for ours as for raw Streams: what a queue saves in requests counts too.

use redis::RedisResult;

use super::{Road, life, note_life};
use crate::cells::Cells;
use crate::crowd::Crowd;
use crate::machine::Machine;
use crate::meter::Meter;
use crate::plan::Plan;
use crate::queue::body;
use crate::wire;

pub const SECTION: &str = "requests";
pub const SINGLE: &str = "one by one, a request each";
pub const TEN: &str = "by ten, a request each";

pub fn measure(cells: &mut Cells, machine: &Machine, plan: Plan) -> RedisResult<()> {
    let server = machine.server(&[]);
    let mut meter = Meter::connect(&server.url())?;
    let mut crowd = Crowd::connect(&server.url())?;
    let body = body(100);
    for (setting, each) in [(SINGLE, 1), (TEN, 10)] {
        meter.flush()?;
        let queues = wire::all(&mut meter, "requests")?;
        for round in 0..=plan.rounds {
            for queue in &queues {
                let road = Road::Each(&mut crowd);
                let messages = plan.messages;
                let found = life(&mut meter, road, queue.as_ref(), each, messages, &body)?;
                // The first round finds the server cold.
                if round > 0 {
                    note_life(cells, (SECTION, setting, queue.name()), found);
                }
            }
        }
        eprintln!("requests: {setting}");
    }
    Ok(())
}

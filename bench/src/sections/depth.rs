//! What calls cost with much queued, and with much in flight.
//!
//! Guards the comparison: a full queue and an empty one stand on one server, and take turns in each round.

use redis::RedisResult;

use super::{Road, STEPS, calls_one_by_one, life, note_calls, note_life};
use crate::cells::Cells;
use crate::machine::Machine;
use crate::meter::Meter;
use crate::plan::{Plan, spelled};
use crate::queue::body;
use crate::wire::{self, Wire};

pub const SECTION: &str = "depth";
/// Messages a call, and a claim that is in flight.
const EACH: usize = 10;

/// What a queue with so much in it is called in the results.
pub fn setting(depth: usize, in_flight: bool) -> String {
    let state = if in_flight { "in flight" } else { "queued" };
    match depth {
        0 => format!("nothing {state}"),
        depth => format!("{} {state}", spelled(depth)),
    }
}

/// First what is queued, then what is in flight.
pub fn measure(cells: &mut Cells, machine: &Machine, plan: Plan) -> RedisResult<()> {
    let server = machine.server(&[]);
    let mut meter = Meter::connect(&server.url())?;
    let body = body(100);
    for in_flight in [false, true] {
        meter.flush()?;
        let mut queues: Vec<(String, Box<dyn Wire>)> = Vec::new();
        for depth in [0, plan.depths[0], plan.depths[1]] {
            for queue in wire::all(&mut meter, &format!("depth-{depth}"))? {
                queue.fill(&mut meter, depth, &body)?;
                if in_flight && depth > 0 {
                    queue.hold(&mut meter, depth, EACH)?;
                }
                queues.push((setting(depth, in_flight), queue));
            }
            eprintln!("depth: {}", setting(depth, in_flight));
        }
        for round in 0..=plan.rounds {
            for (setting, queue) in &queues {
                let cell = (SECTION, setting.as_str(), queue.name());
                let found = life(
                    &mut meter,
                    Road::OneTrip,
                    queue.as_ref(),
                    EACH,
                    plan.messages,
                    &body,
                )?;
                let calls = plan.calls;
                let mut times = calls_one_by_one(&mut meter, queue.as_ref(), EACH, calls, &body)?;
                if round == 0 {
                    continue;
                }
                note_life(cells, cell, found);
                for (step, times) in STEPS.iter().zip(&mut times) {
                    note_calls(cells, cell, step, times);
                }
            }
        }
    }
    Ok(())
}

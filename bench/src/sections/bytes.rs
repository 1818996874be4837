//! What a message takes in memory: queued, in flight, and among few that were left of many.
//!
//! Guards the figure: it is the growth of the server's `used_memory` with all indexes and what the allocator rounds up.

use redis::RedisResult;

use crate::cells::Cells;
use crate::machine::Machine;
use crate::meter::Meter;
use crate::plan::Plan;
use crate::queue::body;
use crate::wire::{self, Wire};

pub const SECTION: &str = "bytes";
pub const QUEUED: &str = "queued, 100 B, one ttl";
pub const IN_FLIGHT: &str = "in flight, 100 B, 10 a claim";
pub const LEFT: &str = "left after 99 % were deleted at random, 100 B";
/// In all states.
pub const BODY: u16 = 100;

/// Each queue alone on the server, in each state.
pub fn measure(cells: &mut Cells, machine: &Machine, plan: Plan) -> RedisResult<()> {
    let server = machine.server(&[]);
    let mut meter = Meter::connect(&server.url())?;
    let body = body(BODY);
    let many = plan.stored;
    for place in 0..wire::all(&mut meter, "names")?.len() {
        for state in [QUEUED, IN_FLIGHT, LEFT] {
            meter.flush()?;
            let queue = wire::all(&mut meter, "bytes")?.swap_remove(place);
            let before = meter.used_memory()?;
            let left = fill(&mut meter, queue.as_ref(), state, many, &body)?;
            let each = (meter.used_memory()? - before) / left as f64;
            let cell = (SECTION, state, queue.name());
            cells.note(cell, "bytes", each);
            let over = each - f64::from(BODY) - queue.client_bytes() as f64;
            cells.note(cell, "bytes_over_body_and_client", over);
            eprintln!("bytes: {}, {state}: {each:.1}", queue.name());
        }
    }
    Ok(())
}

/// Answers how many there are then.
fn fill(
    meter: &mut Meter,
    queue: &dyn Wire,
    state: &str,
    many: usize,
    body: &[u8],
) -> RedisResult<usize> {
    if state == LEFT {
        queue.thin_out(meter, many, many / 100, body)?;
        return Ok(many / 100);
    }
    queue.fill(meter, many, body)?;
    if state == IN_FLIGHT {
        queue.hold(meter, many, 10)?;
    }
    Ok(many)
}

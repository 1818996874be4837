//! One setting at a time: the batch, the body, the append-only file.
//!
//! Guards the base: every setting differs from it in one thing, and its queues take turns round by round.

use redis::RedisResult;

use super::{Road, STEPS, calls_one_by_one, life, note_calls, note_life};
use crate::cells::Cells;
use crate::machine::Machine;
use crate::meter::Meter;
use crate::plan::{BASE, Plan, SINGLE};
use crate::queue::body;
use crate::wire;

pub const SECTION: &str = "settings";

/// What is set, and what of the plan it takes.
struct Setting {
    name: &'static str,
    each: usize,
    bytes: u16,
    /// A part of the messages, where each costs much.
    share: usize,
}

const fn setting(name: &'static str, each: usize, bytes: u16, share: usize) -> Setting {
    Setting {
        name,
        each,
        bytes,
        share,
    }
}

const IN_MEMORY: [Setting; 5] = [
    setting(BASE, 10, 100, 1),
    setting(SINGLE, 1, 100, 1),
    setting("by 100, 100 B", 100, 100, 1),
    setting("by ten, 1 KB", 10, 1024, 1),
    // What a length of two bytes can say: a byte less.
    setting("by ten, 64 KB", 10, 65_535, 5),
];
const EVERY_SECOND: [Setting; 2] = [
    setting("by ten, 100 B, AOF everysec", 10, 100, 1),
    setting("one by one, 100 B, AOF everysec", 1, 100, 1),
];
const ALWAYS: [Setting; 2] = [
    setting("by ten, 100 B, AOF always", 10, 100, 5),
    setting("one by one, 100 B, AOF always", 1, 100, 5),
];

/// Servers without, and with the two kinds of, an append-only file.
pub fn measure(cells: &mut Cells, machine: &Machine, plan: Plan) -> RedisResult<()> {
    on_a_server(cells, machine, plan, &[], &IN_MEMORY)?;
    let everysec = ["--appendonly", "yes", "--appendfsync", "everysec"];
    on_a_server(cells, machine, plan, &everysec, &EVERY_SECOND)?;
    let always = ["--appendonly", "yes", "--appendfsync", "always"];
    on_a_server(cells, machine, plan, &always, &ALWAYS)
}

fn on_a_server(
    cells: &mut Cells,
    machine: &Machine,
    plan: Plan,
    options: &[&str],
    settings: &[Setting],
) -> RedisResult<()> {
    let server = machine.server(options);
    let mut meter = Meter::connect(&server.url())?;
    for setting in settings {
        meter.flush()?;
        let queues = wire::all(&mut meter, "settings")?;
        let body = body(setting.bytes);
        let messages = (plan.messages / setting.share).max(setting.each);
        // The first round finds the server cold.
        for round in 0..=plan.rounds {
            for queue in &queues {
                let cell = (SECTION, setting.name, queue.name());
                let before = aof_bytes(&mut meter)?;
                let found = life(
                    &mut meter,
                    Road::OneTrip,
                    queue.as_ref(),
                    setting.each,
                    messages,
                    &body,
                )?;
                let written = aof_bytes(&mut meter)? - before;
                let calls = plan.calls / setting.share;
                let mut times =
                    calls_one_by_one(&mut meter, queue.as_ref(), setting.each, calls, &body)?;
                if round == 0 {
                    continue;
                }
                note_life(cells, cell, found);
                if !options.is_empty() {
                    let messages = messages.div_ceil(setting.each) * setting.each;
                    cells.note(cell, "aof_bytes", written / messages as f64);
                }
                for (step, times) in STEPS.iter().zip(&mut times) {
                    note_calls(cells, cell, step, times);
                }
            }
        }
        eprintln!("settings: {}", setting.name);
    }
    Ok(())
}

/// How long the append-only file is; NaN where there is none.
fn aof_bytes(meter: &mut Meter) -> RedisResult<f64> {
    meter.info("persistence", "aof_current_size")
}

//! What a message costs in memory over its body.
//!
//! Guards the figure: it is the growth of the server's `used_memory`, with all indexes and what the
//! allocator rounds up; not an estimate.

use redis::{RedisResult, pipe};

use marconi_redis::script::RELEASE;

use crate::Size;
use crate::meter::Meter;
use crate::queue::{DEFAULT, FOURTEEN_DAYS, HOUR, Queue, START, body};
use crate::report::{Cell, Table};

/// The most over its body that a queued message may take, with one ttl a queue.
const BOUND: f64 = 60.0;
const BODY: u16 = 100;

/// Fills a queue for each state that a message can be in.
pub fn measure(meter: &mut Meter, size: Size) -> RedisResult<Table> {
    let columns = ["messages", "bytes each", "over the body"];
    let mut table = Table::new("memory, bodies of 100 bytes", &columns);
    let many = size.million / 10;
    let body = body(BODY);

    let own_ttl = |i: usize| ((FOURTEEN_DAYS - i as u64).to_string(), String::new());
    let delayed = |i: usize| (String::new(), (HOUR + i as u64).to_string());
    add(
        &mut table,
        meter,
        "queued, one ttl",
        many,
        |meter, queue| queue.fill(meter, START, many, DEFAULT, &body).map(drop),
    )?;
    add(
        &mut table,
        meter,
        "queued, each with a ttl of its own",
        many,
        |meter, queue| queue.fill(meter, START, many, own_ttl, &body).map(drop),
    )?;
    add(
        &mut table,
        meter,
        "delayed, one ttl",
        many,
        |meter, queue| queue.fill(meter, START, many, delayed, &body).map(drop),
    )?;
    for each in [1, 10, 250] {
        let what = format!("in flight, {each} a claim");
        add(&mut table, meter, &what, many, |meter, queue| {
            let now = queue.fill(meter, START, many, DEFAULT, &body)?;
            queue.hold(meter, now, many, &[each]).map(drop)
        })?;
    }
    add(
        &mut table,
        meter,
        "came back, claimable again",
        many,
        |meter, queue| {
            let now = queue.fill(meter, START, many, DEFAULT, &body)?;
            for claims in queue.hold(meter, now, many, &[10])?.chunks(100) {
                let mut commands = pipe();
                for claim in claims {
                    commands.add_command(queue.call(&RELEASE, (now, claim, "")).cmd);
                }
                meter.send(&commands)?;
            }
            Ok(())
        },
    )?;
    add(
        &mut table,
        meter,
        "left, after 99 % were deleted at random",
        many / 100,
        |meter, queue| {
            let now = queue.fill(meter, START, many, DEFAULT, &body)?;
            queue.delete_at_random(meter, now, many, many / 100)
        },
    )?;
    Ok(table)
}

fn add(
    table: &mut Table,
    meter: &mut Meter,
    what: &str,
    left: usize,
    fill: impl FnOnce(&mut Meter, &Queue) -> RedisResult<()>,
) -> RedisResult<()> {
    meter.flush()?;
    let queue = Queue::create(meter, "bytes", &[])?;
    let before = meter.used_memory()?;
    fill(meter, &queue)?;
    let each = (meter.used_memory()? - before) / left as f64;
    let cells = vec![
        Cell::Number(left as f64, 0),
        Cell::Number(each, 1),
        Cell::Number(each - f64::from(BODY), 1),
    ];
    table.row(
        what,
        cells,
        (what == "queued, one ttl").then_some((2, BOUND)),
    );
    Ok(())
}

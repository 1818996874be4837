//! How long a claim takes while the server is at half of what it can do.
//!
//! Guards that half is half of the same thing: the most that these connections get done is measured first, in each round,
//! and then half of it is sent by the clock, whatever the calls before have taken.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use redis::{Connection, RedisResult};

use super::note_calls;
use crate::cells::Cells;
use crate::machine::Machine;
use crate::meter::Meter;
use crate::plan::Plan;
use crate::queue::body;
use crate::wire::{self, SHAPE, Wire};

pub const SECTION: &str = "half load";
pub const SETTING: &str = "lives one by one, 100 B, 4 connections";
const CONNECTIONS: usize = 4;

/// What a connection has done: us of its claims, and lives.
type Done = (Vec<f64>, usize);

/// Ours and raw Streams, in turn.
pub fn measure(cells: &mut Cells, machine: &Machine, plan: Plan) -> RedisResult<()> {
    let server = machine.server(&[]);
    let mut meter = Meter::connect(&server.url())?;
    let mut queues = wire::all(&mut meter, "half")?;
    queues.retain(|queue| queue.name() != SHAPE);
    for round in 0..=plan.rounds {
        for queue in &queues {
            let whole = run(&server.url(), queue.as_ref(), None, plan.load_seconds / 4.0)?;
            let most = lives(&whole) / (plan.load_seconds / 4.0);
            let before = meter.cpu()?;
            let begun = Instant::now();
            let half = run(
                &server.url(),
                queue.as_ref(),
                Some(most / 2.0),
                plan.load_seconds,
            )?;
            let seconds = begun.elapsed().as_secs_f64();
            let busy = (meter.cpu()? - before) / 1e6 / seconds;
            if round == 0 {
                continue;
            }
            let cell = (SECTION, SETTING, queue.name());
            let reached = lives(&half) / seconds;
            let mut claims: Vec<f64> = half.into_iter().flat_map(|(claims, _)| claims).collect();
            note_calls(cells, cell, "claim", &mut claims);
            cells.note(cell, "most_per_second", most);
            cells.note(cell, "life_per_second", reached);
            cells.note(cell, "server_busy", busy);
        }
    }
    eprintln!("half load");
    Ok(())
}

fn lives(done: &[Done]) -> f64 {
    done.iter().map(|(_, lives)| *lives as f64).sum()
}

/// All connections for so long: as fast as they can, or so many lives a second altogether.
fn run(
    url: &str,
    queue: &dyn Wire,
    per_second: Option<f64>,
    seconds: f64,
) -> RedisResult<Vec<Done>> {
    let start = Barrier::new(CONNECTIONS);
    let every = per_second.map(|rate| Duration::from_secs_f64(CONNECTIONS as f64 / rate));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|place| {
                let start = &start;
                scope.spawn(move || {
                    let connection = redis::Client::open(url)?.get_connection();
                    start.wait();
                    // One behind the other, not all at the same moment.
                    let offset = every.map(|every| every * place as u32 / CONNECTIONS as u32);
                    live(&mut connection?, queue, every, offset, seconds)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    })
}

fn live(
    connection: &mut Connection,
    queue: &dyn Wire,
    every: Option<Duration>,
    offset: Option<Duration>,
    seconds: f64,
) -> RedisResult<Done> {
    let body = body(100);
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let mut next = Instant::now() + offset.unwrap_or_default();
    let mut done: Done = (Vec::new(), 0);
    while Instant::now() < end {
        if let Some(every) = every {
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
            next += every;
        }
        let mut post = redis::pipe();
        queue.post(&mut post, 1, &body);
        post.exec(connection)?;
        let (name, call) = queue.claim(1);
        let begun = Instant::now();
        let claimed: redis::Value = call.query(connection)?;
        done.0.push(begun.elapsed().as_secs_f64() * 1e6);
        let mut delete = redis::pipe();
        queue.delete(&mut delete, &name, &claimed)?;
        delete.exec(connection)?;
        done.1 += 1;
    }
    Ok(done)
}

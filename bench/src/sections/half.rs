//! How long a claim takes while the server is at half of what it can do.
//!
//! Guards that half is half for each: how often lives have to be sent for the server's core to be busy half of the time is
//! tried out first, in each round, and they are sent by the clock then; the results say how busy it was.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use redis::{Connection, RedisResult, Value};

use super::note_calls;
use crate::cells::Cells;
use crate::machine::Machine;
use crate::meter::Meter;
use crate::plan::Plan;
use crate::queue::body;
use crate::wire::{self, SHAPE, Wire};

pub const SECTION: &str = "half load";
pub const SETTING: &str = "claim of 1, 100 B";
/// Connections that make the load, each with so many lives, one message a call, in one round trip a step.
const CONNECTIONS: u32 = 4;
const AT_ONCE: usize = 8;
/// How often one more connection posts, claims and deletes, and takes the time of it.
const ASKED_EVERY: Duration = Duration::from_millis(1);

/// Ours and raw Streams, in turn.
pub fn measure(cells: &mut Cells, machine: &Machine, plan: Plan) -> RedisResult<()> {
    let server = machine.server(&[]);
    let mut meter = Meter::connect(&server.url())?;
    let mut queues = wire::all(&mut meter, "half")?;
    queues.retain(|queue| queue.name() != SHAPE);
    let short = plan.load_seconds / 4.0;
    for round in 0..=plan.rounds {
        for queue in &queues {
            let queue = queue.as_ref();
            let most = load(&mut meter, &server.url(), queue, None, short)?;
            // A server that is asked less often handles fewer calls at a time, and each costs it more.
            let mut every = Duration::from_secs_f64(2.0 * most.every());
            for _ in 0..2 {
                let tried = load(&mut meter, &server.url(), queue, Some(every), short)?;
                every = every.mul_f64(tried.busy / 0.5);
            }
            let mut half = load(
                &mut meter,
                &server.url(),
                queue,
                Some(every),
                plan.load_seconds,
            )?;
            if round > 0 {
                let cell = (SECTION, SETTING, queue.name());
                note_calls(cells, cell, "claim", &mut half.claims);
                cells.note(cell, "most_per_second", most.per_second);
                cells.note(cell, "life_per_second", half.per_second);
                cells.note(cell, "server_busy", half.busy);
            }
        }
    }
    eprintln!("half load");
    Ok(())
}

/// What came of sending a load.
struct Load {
    /// us of the claims that were timed.
    claims: Vec<f64>,
    per_second: f64,
    /// The share of the time that the server's core was at work.
    busy: f64,
}

impl Load {
    /// How often each connection would send its lives if the server were at work all the time, in seconds.
    fn every(&self) -> f64 {
        let most = self.per_second / self.busy;
        f64::from(CONNECTIONS) * AT_ONCE as f64 / most
    }
}

fn load(
    meter: &mut Meter,
    url: &str,
    queue: &dyn Wire,
    every: Option<Duration>,
    seconds: f64,
) -> RedisResult<Load> {
    let (cpu, begun) = (meter.cpu()?, Instant::now());
    let (claims, lives) = send(url, queue, every, seconds)?;
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Load {
        claims,
        per_second: lives as f64 / seconds,
        busy: (meter.cpu()? - cpu) / 1e6 / seconds,
    })
}

/// For so long, each connection as fast as it can, or a round of lives `every` so often: us of the claims that were timed,
/// and all lives.
fn send(
    url: &str,
    queue: &dyn Wire,
    every: Option<Duration>,
    seconds: f64,
) -> RedisResult<(Vec<f64>, usize)> {
    let over = AtomicBool::new(false);
    let connect = || redis::Client::open(url)?.get_connection();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|place| {
                let over = &over;
                scope.spawn(move || {
                    // One behind the other, not all at the same moment.
                    let every = every.unwrap_or_default();
                    let clock = Clock::start(every, every * place / CONNECTIONS);
                    let mut connection = connect()?;
                    clock.run(over, || live(&mut connection, queue, AT_ONCE).map(drop))
                })
            })
            .collect();
        let asked = scope.spawn(|| {
            let mut connection = connect()?;
            let mut claims = Vec::new();
            let clock = Clock::start(ASKED_EVERY, ASKED_EVERY / 2);
            clock.run(&over, || {
                claims.push(live(&mut connection, queue, 1)?);
                Ok(())
            })?;
            RedisResult::Ok(claims)
        });
        std::thread::sleep(Duration::from_secs_f64(seconds));
        over.store(true, Ordering::Relaxed);
        let claims = asked.join().expect("no panic")?;
        let mut lives = claims.len();
        for thread in threads {
            lives += thread.join().expect("no panic")? * AT_ONCE;
        }
        Ok((claims, lives))
    })
}

/// When the next thing is to be done, however long the last one took.
struct Clock {
    every: Duration,
    next: Instant,
}

impl Clock {
    fn start(every: Duration, after: Duration) -> Clock {
        let next = Instant::now() + after;
        Clock { every, next }
    }

    /// Until it is over; answers how often.
    fn run(
        mut self,
        over: &AtomicBool,
        mut done: impl FnMut() -> RedisResult<()>,
    ) -> RedisResult<usize> {
        let mut times = 0;
        while !over.load(Ordering::Relaxed) {
            std::thread::sleep(self.next.saturating_duration_since(Instant::now()));
            self.next += self.every;
            done()?;
            times += 1;
        }
        Ok(times)
    }
}

/// So many lives, one message a call, each step in one round trip; answers the us of the claims.
fn live(connection: &mut Connection, queue: &dyn Wire, many: usize) -> RedisResult<f64> {
    let body = body(100);
    let mut posts = redis::pipe();
    let mut claims = redis::pipe();
    let mut names = Vec::new();
    for _ in 0..many {
        queue.post(&mut posts, 1, &body);
        let (name, call) = queue.claim(1);
        claims.add_command(call);
        names.push(name);
    }
    posts.exec(connection)?;
    let begun = Instant::now();
    let claimed: Vec<Value> = claims.query(connection)?;
    let took = begun.elapsed().as_secs_f64() * 1e6;
    let mut deletes = redis::pipe();
    for (name, reply) in names.iter().zip(&claimed) {
        queue.delete(&mut deletes, name, reply)?;
    }
    deletes.exec(connection)?;
    Ok(took)
}

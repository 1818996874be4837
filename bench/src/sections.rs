//! The parts of a run.
//!
//! Guards that each part stands on a server of its own, and that queues that are compared take turns on one.

use std::time::{Duration, Instant};

use redis::{Pipeline, RedisResult, Value};

use crate::cells::Cells;
use crate::crowd::Crowd;
use crate::meter::Meter;
use crate::stats::percentile;
use crate::wire::Wire;

pub mod benchmark;
pub mod bytes;
pub mod clients;
pub mod depth;
pub mod half;
pub mod requests;
pub mod settings;

/// The steps of a life, as figures are named after them.
const STEPS: [&str; 3] = ["post", "claim", "delete"];
/// From what on a percentile is named.
const PERCENTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p999", 0.999)];

/// How requests reach the server.
enum Road<'a> {
    /// All of a step in one round trip, so that the network costs next to nothing.
    OneTrip,
    /// Each by itself, from many connections at once.
    Each(&'a mut Crowd),
}

/// So many messages' lives, `each` a call: server CPU a message and step, and messages/s.
fn life(
    meter: &mut Meter,
    mut road: Road,
    queue: &dyn Wire,
    each: usize,
    messages: usize,
    body: &[u8],
) -> RedisResult<[f64; 5]> {
    let calls = messages.div_ceil(each);
    let messages = (calls * each) as f64;
    let posts = requests(calls, |_, post| {
        queue.post(post, each, body);
        Ok(())
    })?;
    let posted = reading_of(meter, &mut road, &posts)?;

    let mut names = Vec::new();
    let claims = requests(calls, |_, claim| {
        let (name, call) = queue.claim(each);
        names.push(name);
        claim.add_command(call);
        Ok(())
    })?;
    let claimed = reading_of(meter, &mut road, &claims)?;

    let deletes = requests(calls, |nth, delete| {
        let reply = &claimed.replies[nth];
        let brought = queue.brought(reply)?;
        assert_eq!(brought, each, "{}: a full claim", queue.name());
        queue.delete(delete, &names[nth], reply)
    })?;
    let deleted = reading_of(meter, &mut road, &deletes)?;

    let [post, claim, delete] = [&posted, &claimed, &deleted].map(|step| step.cpu / messages);
    let seconds = (posted.elapsed + claimed.elapsed + deleted.elapsed).as_secs_f64();
    Ok([
        post,
        claim,
        delete,
        post + claim + delete,
        messages / seconds,
    ])
}

fn requests(
    many: usize,
    mut add: impl FnMut(usize, &mut Pipeline) -> RedisResult<()>,
) -> RedisResult<Vec<Pipeline>> {
    let request = |nth| {
        let mut request = redis::pipe();
        add(nth, &mut request)?;
        Ok(request)
    };
    (0..many).map(request).collect()
}

/// What the requests of a step were answered, and cost.
struct Reading {
    /// Of each request the first reply.
    replies: Vec<Value>,
    /// us of the server's CPU.
    cpu: f64,
    /// From the first byte sent to the last reply.
    elapsed: Duration,
}

fn reading_of(meter: &mut Meter, road: &mut Road, requests: &[Pipeline]) -> RedisResult<Reading> {
    // Put together beforehand, so that the time is that of the road.
    let all = in_one(requests);
    let before = meter.cpu()?;
    let begun = Instant::now();
    let replies = match road {
        Road::OneTrip => meter.send(&all)?,
        Road::Each(crowd) => crowd.send(requests)?,
    };
    let elapsed = begun.elapsed();
    let cpu = meter.cpu()? - before - meter.around;
    Ok(Reading {
        replies: firsts(requests, replies),
        cpu: cpu.max(0.0),
        elapsed,
    })
}

fn in_one(requests: &[Pipeline]) -> Pipeline {
    let mut all = redis::pipe();
    for command in requests.iter().flat_map(Pipeline::cmd_iter) {
        all.add_command(command.clone());
    }
    all
}

fn firsts(requests: &[Pipeline], replies: Vec<Value>) -> Vec<Value> {
    let mut replies = replies.into_iter();
    let first = |request: &Pipeline| {
        let mut its = replies.by_ref().take(request.len());
        let first = its.next();
        its.for_each(drop);
        first
    };
    requests.iter().filter_map(first).collect()
}

/// The figures of [`life`], noted.
fn note_life(cells: &mut Cells, cell: (&'static str, &str, &str), found: [f64; 5]) {
    let names = [
        "post_cpu_us",
        "claim_cpu_us",
        "delete_cpu_us",
        "life_cpu_us",
        "life_per_second",
    ];
    for (name, value) in names.into_iter().zip(found) {
        cells.note(cell, name, value);
    }
}

/// us of each call, one at a time: of posts, of claims, of deletes.
fn calls_one_by_one(
    meter: &mut Meter,
    queue: &dyn Wire,
    each: usize,
    calls: usize,
    body: &[u8],
) -> RedisResult<[Vec<f64>; 3]> {
    let mut found: [Vec<f64>; 3] = Default::default();
    for _ in 0..calls {
        let mut post = redis::pipe();
        queue.post(&mut post, each, body);
        timed(meter, &post, &mut found[0])?;
        let (name, call) = queue.claim(each);
        let mut claim = redis::pipe();
        claim.add_command(call);
        let replies = timed(meter, &claim, &mut found[1])?;
        let mut delete = redis::pipe();
        queue.delete(&mut delete, &name, &replies[0])?;
        timed(meter, &delete, &mut found[2])?;
    }
    Ok(found)
}

fn timed(meter: &mut Meter, call: &Pipeline, times: &mut Vec<f64>) -> RedisResult<Vec<Value>> {
    let begun = Instant::now();
    let replies = meter.send(call)?;
    times.push(begun.elapsed().as_secs_f64() * 1e6);
    Ok(replies)
}

/// Percentiles of a kind of call, noted.
fn note_calls(cells: &mut Cells, cell: (&'static str, &str, &str), step: &str, times: &mut [f64]) {
    for (name, part) in PERCENTILES {
        cells.note(cell, &format!("{step}_{name}_us"), percentile(times, part));
    }
}

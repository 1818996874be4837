//! The life of a message (post, claim, delete), beside raw Streams (XADD, XREADGROUP, XACK + XDEL).
//!
//! Guards the comparison: the two take turns step by step, with the same bodies, each step so many
//! calls in one round trip.

use redis::{Pipeline, RedisResult, Value, pipe};

use marconi_redis::script::{DELETE, POP};

use crate::Size;
use crate::meter::{Meter, median};
use crate::queue::{DEFAULT, HOUR, Queue, SERVERS, body, ids_in, new_claim};
use crate::report::{Cell, Table};
use crate::streams::{Streams, ids_read};

/// Messages in one reading.
const MESSAGES: usize = 400;

/// us a message: post, claim, delete, all three.
type Steps = [f64; 4];

/// One by one, and by ten.
pub fn measure(meter: &mut Meter, size: Size) -> RedisResult<Table> {
    let columns = ["post", "claim", "delete", "life"];
    let mut table = Table::new("us of server CPU a message", &columns);
    for each in [1, 10] {
        meter.flush()?;
        let queue = Queue::create(meter, "life", &[])?;
        let streams = Streams::create(meter, "raw")?;

        let body = body(100);
        let (mut ours, mut raws, mut pops) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..size.rounds + 2 {
            let (our, raw) = round(meter, &queue, &streams, each, &body)?;
            let pop = popped(meter, &queue, each, &body)?;
            // The first find the server cold.
            if number >= 2 {
                ours.push(our);
                raws.push(raw);
                pops.push(pop);
            }
        }
        let many = if each == 1 { "one by one" } else { "by ten" };
        let ratios: Vec<Steps> = ours
            .iter()
            .zip(&raws)
            .map(|(our, raw)| std::array::from_fn(|i| our[i] / raw[i]))
            .collect();
        table.row(
            format!("{many}: post, claim, delete"),
            medians(&ours, 1),
            None,
        );
        table.row(format!("{many}: raw Streams"), medians(&raws, 1), None);
        table.row(
            format!("{many}: times raw Streams"),
            medians(&ratios, 2),
            None,
        );
        table.row(format!("{many}: post, pop"), medians(&pops, 1), None);
    }
    Ok(table)
}

fn medians(rounds: &[Steps], places: usize) -> Vec<Cell> {
    let step = |i: usize| median(&mut rounds.iter().map(|steps| steps[i]).collect::<Vec<_>>());
    (0..4).map(|i| Cell::Number(step(i), places)).collect()
}

fn round(
    meter: &mut Meter,
    queue: &Queue,
    streams: &Streams,
    each: usize,
    body: &[u8],
) -> RedisResult<(Steps, Steps)> {
    let calls = MESSAGES / each;
    let mut our = Vec::new();
    let mut raw = Vec::new();

    our.push(meter.cost_of(&repeat(calls, |all| {
        all.add_command(queue.post(SERVERS, each, DEFAULT, body).cmd);
    }))?);
    raw.push(meter.cost_of(&repeat(MESSAGES, |all| {
        all.add_command(streams.post(body));
    }))?);

    let claims: Vec<String> = (0..calls).map(|_| new_claim()).collect();
    let mut names = claims.iter();
    our.push(meter.cost_of(&repeat(calls, |all| {
        let claim = names.next().expect("one a call");
        all.add_command(queue.claim_as(claim, SERVERS, HOUR, each).cmd);
    }))?);
    raw.push(meter.cost_of(&repeat(calls, |all| {
        all.add_command(streams.read(each));
    }))?);

    let mut deletes = pipe();
    for (claim, reply) in claims.iter().zip(&our[1].0) {
        deletes.add_command(queue.call(&DELETE, ("", claim, ids_in(reply, 5)?)).cmd);
    }
    our.push(meter.cost_of(&deletes)?);
    let mut deletes = pipe();
    for reply in &raw[1].0 {
        streams.delete(&mut deletes, &ids_read(reply)?);
    }
    raw.push(meter.cost_of(&deletes)?);
    Ok((steps(&our), steps(&raw)))
}

fn popped(meter: &mut Meter, queue: &Queue, each: usize, body: &[u8]) -> RedisResult<Steps> {
    let calls = MESSAGES / each;
    let posts = repeat(calls, |all| {
        all.add_command(queue.post(SERVERS, each, DEFAULT, body).cmd);
    });
    let pops = repeat(calls, |all| {
        all.add_command(queue.call(&POP, ("", each, "", "", "")).cmd);
    });
    let done = [
        meter.cost_of(&posts)?,
        meter.cost_of(&pops)?,
        (Vec::new(), 0.0),
    ];
    Ok(steps(&done))
}

fn repeat(times: usize, mut add: impl FnMut(&mut Pipeline)) -> Pipeline {
    let mut commands = pipe();
    for _ in 0..times {
        add(&mut commands);
    }
    commands
}

fn steps(done: &[(Vec<Value>, f64)]) -> Steps {
    let us = |i: usize| done[i].1 / MESSAGES as f64;
    [us(0), us(1), us(2), us(0) + us(1) + us(2)]
}

//! Whether a call costs the same with nothing and with 1,000,000 messages in flight or queued.
//!
//! Guards the comparison: both queues stand on one server, and take turns within each round.

use redis::{Pipeline, RedisResult, pipe};

use marconi_redis::keys::Part;
use marconi_redis::script::{DELETE, QUEUE_DELETE, RELEASE};

use crate::Size;
use crate::meter::{Meter, median, unexpected};
use crate::queue::{Call, DEFAULT, HOUR, Queue, SERVERS, body, ids_in, new_claim};
use crate::report::{Cell, Table};

/// The most that a claim may cost with 1,000,000 in flight, against one with none.
const RATIO: f64 = 1.3;
/// Calls of ten in one reading.
const CALLS: usize = 50;
/// Claims of 250 in one reading.
const LARGE: usize = 8;

/// us a call.
#[derive(Default)]
struct Readings {
    post: Vec<f64>,
    claim: Vec<f64>,
    delete: Vec<f64>,
    claim_large: Vec<f64>,
    claim_back: Vec<f64>,
}

/// Claims whose ids are known, so that they can be ended.
struct Claims {
    names: Vec<String>,
    messages: Vec<Vec<String>>,
    us: f64,
}

/// Beside a queue with few messages: one with 1,000,000 queued, which are claimed then, and one more.
pub fn measure(meter: &mut Meter, size: Size) -> RedisResult<Table> {
    let columns = ["with few us", "with many us", "ratio"];
    let mut table = Table::new("us of server CPU a call; many = 1,000,000", &columns);
    let body = body(100);
    let few = Queue::create(meter, "few", &[])?;

    for each in [10, 250] {
        let many = Queue::create(meter, &format!("by_{each}"), &[])?;
        many.fill(meter, SERVERS, size.million, DEFAULT, &body)?;
        if each == 10 {
            let readings = rounds(meter, &few, &many, &body, size.rounds)?;
            compare(&mut table, "many queued", &readings);
        }
        many.hold(meter, SERVERS, size.million, &[each])?;
        many.settle(meter, Part::Held, 2 * size.million)?;
        let readings = rounds(meter, &few, &many, &body, size.rounds)?;
        compare(&mut table, &format!("many in flight by {each}"), &readings);
        meter.call(&many.call(&QUEUE_DELETE, ""))?;
    }
    Ok(table)
}

fn compare(table: &mut Table, with: &str, (few, many): &(Readings, Readings)) {
    let mut row = |what: &str, few: &[f64], many: &[f64], bound: Option<f64>| {
        let mut ratios: Vec<f64> = many.iter().zip(few).map(|(many, few)| many / few).collect();
        let cells = vec![
            Cell::Number(median(&mut few.to_vec()), 1),
            Cell::Number(median(&mut many.to_vec()), 1),
            Cell::Number(median(&mut ratios), 2),
        ];
        table.row(
            format!("{what}, {with}"),
            cells,
            bound.map(|most| (2, most)),
        );
    };
    row("claim of 10", &few.claim, &many.claim, Some(RATIO));
    row(
        "claim of 250",
        &few.claim_large,
        &many.claim_large,
        Some(RATIO),
    );
    row(
        "claim of 10 that came back",
        &few.claim_back,
        &many.claim_back,
        None,
    );
    row("delete of 10", &few.delete, &many.delete, None);
    row("post of 10", &few.post, &many.post, None);
}

fn rounds(
    meter: &mut Meter,
    few: &Queue,
    many: &Queue,
    body: &[u8],
    rounds: usize,
) -> RedisResult<(Readings, Readings)> {
    let (mut of_few, mut of_many) = (Readings::default(), Readings::default());
    // The first find the server cold.
    round(meter, few, body, &mut Readings::default())?;
    round(meter, many, body, &mut Readings::default())?;
    for number in 0..rounds {
        if number % 2 == 0 {
            round(meter, few, body, &mut of_few)?;
            round(meter, many, body, &mut of_many)?;
        } else {
            round(meter, many, body, &mut of_many)?;
            round(meter, few, body, &mut of_few)?;
        }
    }
    Ok((of_few, of_many))
}

/// Leaves the queue as it was.
fn round(meter: &mut Meter, queue: &Queue, body: &[u8], to: &mut Readings) -> RedisResult<()> {
    let posts = (0..CALLS).map(|_| queue.post(SERVERS, 10, DEFAULT, body));
    to.post.push(meter.cost_of(&all(posts))?.1 / CALLS as f64);
    let claims = claim(meter, queue, CALLS, 10)?;
    to.claim.push(claims.us);
    to.delete.push(delete(meter, queue, &claims)?);

    queue.fill(meter, SERVERS, LARGE * 250, DEFAULT, body)?;
    let claims = claim(meter, queue, LARGE, 250)?;
    to.claim_large.push(claims.us);
    delete(meter, queue, &claims)?;

    queue.fill(meter, SERVERS, CALLS * 10, DEFAULT, body)?;
    let claims = claim(meter, queue, CALLS, 10)?;
    let released = claims
        .names
        .iter()
        .map(|claim| queue.call(&RELEASE, ("", claim, "")));
    meter.send(&all(released))?;
    let claims = claim(meter, queue, CALLS, 10)?;
    to.claim_back.push(claims.us);
    delete(meter, queue, &claims)?;

    // The next claim finds out that nothing is left to come back, and that has its price.
    queue.fill(meter, SERVERS, 1, DEFAULT, body)?;
    let last = claim(meter, queue, 1, 1)?;
    delete(meter, queue, &last)?;
    Ok(())
}

fn claim(meter: &mut Meter, queue: &Queue, calls: usize, limit: usize) -> RedisResult<Claims> {
    let names: Vec<String> = (0..calls).map(|_| new_claim()).collect();
    let each = names
        .iter()
        .map(|claim| queue.claim_as(claim, SERVERS, HOUR, limit));
    let (replies, us) = meter.cost_of(&all(each))?;
    let messages: RedisResult<Vec<_>> = replies.iter().map(|reply| ids_in(reply, 5)).collect();
    let claims = Claims {
        names,
        messages: messages?,
        us: us / calls as f64,
    };
    if claims.messages.iter().any(|ids| ids.len() != limit) {
        return Err(unexpected("a claim that is not full"));
    }
    Ok(claims)
}

fn delete(meter: &mut Meter, queue: &Queue, claims: &Claims) -> RedisResult<f64> {
    let held = claims.names.iter().zip(&claims.messages);
    let each = held.map(|(claim, ids)| queue.call(&DELETE, ("", claim, ids)));
    Ok(meter.cost_of(&all(each))?.1 / claims.names.len() as f64)
}

fn all(calls: impl Iterator<Item = Call>) -> Pipeline {
    let mut commands = pipe();
    for call in calls {
        commands.add_command(call.cmd);
    }
    commands
}

//! What the rules cost: the life of a message (post, claim, delete) in our scripts, beside raw Streams, scripts of the
//! same shape without rules, and the scripts of other folders.
//!
//! Guards the ratios: all take turns within a round, and each ratio is that of one round.

use redis::{Cmd, RedisResult, Value};

use crate::Size;
use crate::meter::{Meter, median, unexpected};
use crate::queue::body;
use crate::report::{Cell, Table};
use crate::sides::{Side, Way, together};

/// Messages in one reading.
const MESSAGES: usize = 400;

/// us a message: post, claim, delete, all three.
type Steps = [f64; 4];

/// How they are called.
struct Manner {
    what: &'static str,
    way: Way,
    each: usize,
    /// One call a round trip, or else a step in one.
    alone: bool,
}

const MANNERS: [Manner; 7] = [
    manner("one by one", Way::Usual, 1, false),
    manner("by ten", Way::Usual, 10, false),
    manner("one by one, tokens", Way::Token, 1, false),
    manner("one by one, extended", Way::Extended, 1, false),
    manner("by ten, extended", Way::Extended, 10, false),
    manner("one by one, each alone", Way::Usual, 1, true),
    manner("by ten, each alone", Way::Usual, 10, true),
];

const fn manner(what: &'static str, way: Way, each: usize, alone: bool) -> Manner {
    Manner {
        what,
        way,
        each,
        alone,
    }
}

/// Ours against each other one; `folders` as `--against` names them.
pub fn measure(meter: &mut Meter, size: Size, folders: &[String]) -> RedisResult<Table> {
    let columns = ["post", "claim", "delete", "life", "life, ours to this"];
    let mut table = Table::new(
        "us of server CPU a message; alone = one call a round trip",
        &columns,
    );
    let body = body(100);
    for manner in &MANNERS {
        meter.flush()?;
        let mut sides = vec![
            Side::ours(meter)?,
            Side::streams(meter, "raw Streams")?,
            Side::shape(meter)?,
        ];
        for folder in folders {
            sides.push(Side::folder(meter, folder)?);
        }
        let mut readings: Vec<Vec<Steps>> = vec![Vec::new(); sides.len()];
        for number in 0..size.rounds + 2 {
            for i in 0..sides.len() {
                // Nobody always comes first; the first rounds find the server cold.
                let i = if number % 2 == 0 {
                    i
                } else {
                    sides.len() - 1 - i
                };
                let steps = round(meter, &sides[i], manner, &body)?;
                if number >= 2 {
                    readings[i].push(steps);
                }
            }
        }
        for (side, reading) in sides.iter().zip(&readings) {
            let step =
                |i: usize| median(&mut reading.iter().map(|steps| steps[i]).collect::<Vec<_>>());
            let ratios = readings[0]
                .iter()
                .zip(reading)
                .map(|(our, their)| our[3] / their[3]);
            let mut cells: Vec<Cell> = (0..4).map(|i| Cell::Number(step(i), 2)).collect();
            cells.push(Cell::Number(median(&mut ratios.collect::<Vec<_>>()), 2));
            table.row(format!("{}: {}", manner.what, side.name), cells, None);
        }
    }
    Ok(table)
}

fn round(meter: &mut Meter, side: &Side, manner: &Manner, body: &[u8]) -> RedisResult<Steps> {
    let calls = MESSAGES / manner.each;
    let mut cost = |commands: Vec<Cmd>| match manner.alone {
        true => meter.cost_of_each(&commands),
        false => meter.cost_of(&together(commands)),
    };
    let posts = (0..calls).flat_map(|_| side.post(manner.way, manner.each, body));
    let (_, posted) = cost(posts.collect())?;
    let (names, claims): (Vec<String>, Vec<Cmd>) =
        (0..calls).map(|_| side.claim(manner.each)).unzip();
    let (replies, claimed) = cost(claims)?;
    let mut deletes = Vec::new();
    for (claim, reply) in names.iter().zip(&replies) {
        full(side, reply, manner.each)?;
        deletes.extend(side.delete(claim, reply)?);
    }
    let (_, deleted) = cost(deletes)?;
    Ok([posted, claimed, deleted, posted + claimed + deleted].map(|us| us / MESSAGES as f64))
}

/// Whoever brings less does less.
fn full(side: &Side, reply: &Value, limit: usize) -> RedisResult<()> {
    match side.ids(reply)?.len() == limit {
        true => Ok(()),
        false => Err(unexpected("a claim that is not full")),
    }
}

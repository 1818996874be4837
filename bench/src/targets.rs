//! What the figures are held against.
//!
//! Guards that a target always stands in the results: where a figure is missing, it is not met.

use serde_json::{Value, json};

use crate::cells::Cells;
use crate::plan::{BASE, Plan, SINGLE};
use crate::sections::{benchmark, bytes, clients, depth, half, requests, settings};
use crate::stats::{Spread, ratios, rounded};
use crate::wire::{OURS, SHAPE, STREAMS};

/// How the measured is held against the target.
#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// Where a figure stands: section, setting, queue, its name.
type Place<'a> = (&'a str, &'a str, &'a str, &'a str);

/// All, in the order of the results.
pub fn judged(cells: &Cells, plan: Plan) -> Vec<Value> {
    let mut all = lives(cells);
    all.push(bullmq(cells));
    all.extend(claims_in_depth(cells, plan));
    all.extend(memory(cells));
    all.extend(rust_client(cells));
    all.push(half_load(cells));
    all
}

/// The two lives, against raw Streams and against the shape without rules: as requests, and without their price.
fn lives(cells: &Cells) -> Vec<Value> {
    let figure = "life_cpu_us";
    let lives = [
        (
            requests::SECTION,
            requests::TEN,
            "by ten, a request a call",
            2.0,
        ),
        (
            requests::SECTION,
            requests::SINGLE,
            "one by one, a request a call",
            4.0,
        ),
        (
            settings::SECTION,
            BASE,
            "by ten, all in one round trip",
            2.0,
        ),
        (
            settings::SECTION,
            SINGLE,
            "one by one, all in one round trip",
            4.0,
        ),
    ];
    let against = |queue: &str, bound: fn(f64) -> f64| {
        let rows = lives.map(|(section, setting, words, most)| {
            let name = format!("life {words}, all rules, server CPU, against {queue}");
            let ours = (section, setting, OURS, figure);
            let theirs = (section, setting, queue, figure);
            times(cells, &name, Bound::AtMost(bound(most)), ours, theirs)
        });
        rows.to_vec()
    };
    [against(STREAMS, |most| most), against(SHAPE, |_| 1.5)].concat()
}

fn bullmq(cells: &Cells) -> Value {
    let place = |queue| (clients::SECTION, clients::SINGLE, queue, "life_cpu_us");
    let name = "life single through the clients, server CPU, against BullMQ";
    let third = Bound::AtMost(1.0 / 3.0);
    times(cells, name, third, place(OURS), place(clients::BULLMQ))
}

fn claims_in_depth(cells: &Cells, plan: Plan) -> Vec<Value> {
    let rows = [true, false].map(|in_flight| {
        let many = depth::setting(plan.deepest(), in_flight);
        let none = depth::setting(0, in_flight);
        let name = format!("claim of 10, server CPU, with {many} against {none}");
        let figure = "claim_cpu_us";
        let many = (depth::SECTION, many.as_str(), OURS, figure);
        let none = (depth::SECTION, none.as_str(), OURS, figure);
        times(cells, &name, Bound::AtMost(1.1), many, none)
    });
    rows.to_vec()
}

fn memory(cells: &Cells) -> Vec<Value> {
    let rows = [(bytes::QUEUED, 30.0), (bytes::IN_FLIGHT, 200.0)].map(|(state, most)| {
        let name = format!("memory over body and client id, {state}");
        let found = cells.rounds(bytes::SECTION, state, OURS, "bytes_over_body_and_client");
        row(&name, "bytes", Bound::AtMost(most), Spread::of(found))
    });
    rows.to_vec()
}

fn rust_client(cells: &Cells) -> Vec<Value> {
    let place = |setting, who| (benchmark::SECTION, setting, who, "per_second");
    let settings = [
        (benchmark::MERGED, "merged"),
        (benchmark::POST, "each a call of its own"),
    ];
    let rows = settings.map(|(setting, words)| {
        let name = format!(
            "Rust client, one connection, 64 tasks, single posts a second, {words}, against \
             redis-benchmark's XADD with 64 clients"
        );
        let ours = place(setting, OURS);
        let theirs = place(benchmark::XADD, benchmark::BENCHMARK);
        times(cells, &name, Bound::AtLeast(0.7), ours, theirs)
    });
    rows.to_vec()
}

fn half_load(cells: &Cells) -> Value {
    let place = |queue| (half::SECTION, half::SETTING, queue, "claim_p99_us");
    let name = "p99 of a claim under half load, against XREADGROUP";
    times(cells, name, Bound::AtMost(2.0), place(OURS), place(STREAMS))
}

fn times(cells: &Cells, name: &str, bound: Bound, ours: Place, theirs: Place) -> Value {
    let rounds = |(section, setting, queue, figure): Place| {
        cells.rounds(section, setting, queue, figure).to_vec()
    };
    let found = ratios(&rounds(ours), &rounds(theirs));
    row(name, "times", bound, Spread::of(&found))
}

fn row(name: &str, unit: &str, bound: Bound, measured: Option<Spread>) -> Value {
    let (words, target) = match bound {
        Bound::AtMost(most) => ("at most", most),
        Bound::AtLeast(least) => ("at least", least),
    };
    let met = measured.is_some_and(|spread| match bound {
        Bound::AtMost(most) => spread.median <= most,
        Bound::AtLeast(least) => spread.median >= least,
    });
    json!({
        "name": name,
        "bound": words,
        "target": rounded(target),
        "unit": unit,
        "measured": measured.map(|spread| rounded(spread.median)),
        "min": measured.map(|spread| rounded(spread.min)),
        "max": measured.map(|spread| rounded(spread.max)),
        "met": met,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::SMALL;

    fn life(cells: &mut Cells, queue: &str, us: f64) {
        cells.note((settings::SECTION, BASE, queue), "life_cpu_us", us);
    }

    #[test]
    fn a_target_without_a_figure_stands_there_and_is_not_met() {
        let judged = judged(&Cells::default(), SMALL);
        assert_eq!(judged.len(), 16);
        assert!(judged.iter().all(|target| target["met"] == false));
        assert!(judged.iter().all(|target| target["measured"].is_null()));
    }

    #[test]
    fn a_target_is_met_by_the_median_of_the_rounds() {
        let mut cells = Cells::default();
        for us in [1.9, 1.9, 9.0] {
            life(&mut cells, OURS, us);
            life(&mut cells, STREAMS, 1.0);
        }
        let target = &judged(&cells, SMALL)[2];
        assert_eq!(
            (&target["measured"], &target["met"]),
            (&json!(1.9), &json!(true))
        );
        assert_eq!(
            (&target["target"], &target["max"]),
            (&json!(2.0), &json!(9.0))
        );
    }

    #[test]
    fn what_has_to_be_large_is_missed_when_it_is_small() {
        let mut cells = Cells::default();
        for (setting, who, rate) in [
            (benchmark::POST, OURS, 60.0),
            (benchmark::XADD, benchmark::BENCHMARK, 100.0),
        ] {
            cells.note((benchmark::SECTION, setting, who), "per_second", rate);
        }
        let judged = judged(&cells, SMALL);
        let target = judged
            .iter()
            .rfind(|target| target["bound"] == "at least")
            .unwrap();
        assert_eq!(
            (&target["measured"], &target["met"]),
            (&json!(0.6), &json!(false))
        );
    }
}

//! The table of kills: each request of each deed, at each point.
//!
//! Guards that every cell was hit: one that could not be played to its end is a failure, not a gap.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::cell::Lane;
use super::deeds::{self, Deed};
use super::gate::Gate;
use super::rehearsal::{Point, Rehearsal};
use super::stage::load_scripts;
use crate::common::Server;
use crate::rng::Rng;
use crate::scale::Scale;

/// Kills under way at once.
const LANES: usize = 2;

struct Rehearsed {
    deed: &'static Deed,
    rehearsal: Rehearsal,
}

/// Which deed, which request, which point.
type Cell = (usize, usize, Point);

#[derive(Default)]
struct Tally {
    hits: BTreeMap<Cell, u64>,
    violations: Vec<String>,
    failures: Vec<String>,
}

pub struct Table {
    rehearsed: Vec<Rehearsed>,
    hits: BTreeMap<Cell, u64>,
    pub violations: Vec<String>,
    pub failures: Vec<String>,
}

pub fn fill(scale: &Scale) -> Table {
    let dir = scale.dir("crashes");
    let server = Server::start(&[]);
    load_scripts(&server);
    let (rehearsed, failures) = rehearse(&server.socket(), &dir);
    let tally = Tally {
        failures,
        ..Tally::default()
    };
    let (cells, tally) = (cells(scale, &rehearsed), Mutex::new(tally));
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for number in 0..LANES {
            let (next, cells, rehearsed, tally) = (&next, &cells, &rehearsed, &tally);
            let lane = lane(&server.socket(), &dir, number);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(cell) = cells.get(at) else { return };
                    play(&lane, rehearsed, &format!("cell-{at}"), *cell, tally);
                }
            });
        }
    });
    let tally = tally.into_inner().expect("no lane failed");
    let mut table = Table {
        rehearsed,
        hits: tally.hits,
        violations: tally.violations,
        failures: tally.failures,
    };
    let wanted: BTreeSet<_> = cells.into_iter().collect();
    let missed = wanted.iter().filter(|cell| !table.hits.contains_key(cell));
    let missed = missed.map(|cell| format!("not hit: {}", place(&table.rehearsed, *cell)));
    table.failures.extend(missed.collect::<Vec<_>>());
    table
}

fn lane(server: &Path, dir: &Path, number: usize) -> Lane {
    Lane::new(
        server,
        Gate::before(server, dir.join(format!("gate-{number}"))),
    )
}

/// Each deed once, with nobody killed.
fn rehearse(server: &Path, dir: &Path) -> (Vec<Rehearsed>, Vec<String>) {
    let lane = lane(server, dir, LANES);
    let (mut rehearsed, mut failures) = (Vec::new(), Vec::new());
    for (number, deed) in deeds::all().into_iter().enumerate() {
        match lane.rehearse(deed, &format!("rehearsal-{number}")) {
            Ok(rehearsal) => {
                let (name, states) = (deed.name, rehearsal.distinct().len());
                if states != deed.states {
                    failures.push(format!(
                        "{name}: {states} states on its way, not {}",
                        deed.states
                    ));
                }
                rehearsed.push(Rehearsed { deed, rehearsal });
            }
            Err(error) => failures.push(format!("{}: {error}", deed.name)),
        }
    }
    (rehearsed, failures)
}

/// In an order of their own for each seed.
fn cells(scale: &Scale, rehearsed: &[Rehearsed]) -> Vec<Cell> {
    let mut rng = Rng::of_stream(scale.seed, 0);
    let mut cells = Vec::new();
    for (at, Rehearsed { rehearsal, .. }) in rehearsed.iter().enumerate() {
        for request in 1..=rehearsal.asked.len() {
            if scale.kill_rounds > 1 || rehearsal.changes(request) {
                cells.extend(Point::ALL.map(|point| (at, request, point)));
            }
        }
    }
    let mut cells = cells.repeat(scale.kill_rounds);
    for at in (1..cells.len()).rev() {
        cells.swap(at, rng.below(at + 1));
    }
    cells
}

fn play(lane: &Lane, rehearsed: &[Rehearsed], project: &str, cell: Cell, tally: &Mutex<Tally>) {
    let (at, request, point) = cell;
    let Rehearsed { deed, rehearsal } = &rehearsed[at];
    let found = lane.kill_at(deed, project, rehearsal, (request, point));
    let place = place(rehearsed, cell);
    let mut tally = tally.lock().expect("no lane failed");
    match found {
        Ok(wrong) => {
            *tally.hits.entry(cell).or_default() += 1;
            let told = wrong.iter().map(|what| format!("{place}: {what}"));
            tally.violations.extend(told);
        }
        Err(error) => tally.failures.push(format!("{place}: {error}")),
    }
}

fn place(rehearsed: &[Rehearsed], (at, request, point): Cell) -> String {
    let Rehearsed { deed, rehearsal } = &rehearsed[at];
    let asked = &rehearsal.asked[request - 1];
    format!("{}, request {request} ({asked}), {point}", deed.name)
}

impl Table {
    pub fn kills(&self) -> u64 {
        self.hits.values().sum()
    }

    /// Kills by point, and by deed and request.
    pub fn details(&self) -> Vec<(String, String)> {
        let count = |wanted: &dyn Fn(&Cell) -> bool| -> u64 {
            let hits = self.hits.iter().filter(|(cell, _)| wanted(cell));
            hits.map(|(_, count)| count).sum()
        };
        let by_point = Point::ALL.map(|point| {
            let hits = count(&|cell| cell.2 == point);
            (format!("killed {point}"), hits.to_string())
        });
        let mut details = by_point.to_vec();
        for (at, Rehearsed { deed, rehearsal }) in self.rehearsed.iter().enumerate() {
            let requests = rehearsal.asked.iter().enumerate();
            let shown = requests.filter_map(|(before, asked)| {
                let hits = count(&|cell| cell.0 == at && cell.1 == before + 1);
                (hits > 0).then(|| format!("{asked} {hits}"))
            });
            details.push((deed.name.to_owned(), shown.collect::<Vec<_>>().join(", ")));
        }
        details
    }
}

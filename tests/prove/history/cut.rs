//! Calls that were under way when the server, or the connection to it, went.
//!
//! Guards that a repeat is not taken for the first: a client that repeats by itself shows one answer, and what an earlier
//! attempt did that nobody was told of has to be granted.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Call, Micros, Op, Outcome};

/// Some time between `from` and `to` connections went, and what was on its way there was done by then, or never.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Cut {
    pub from: Micros,
    pub to: Micros,
}

/// In the directory of a history.
pub const CUTS: &str = "cuts.json";

/// Those of a history that was kept.
pub fn cuts(dir: &Path) -> Vec<Cut> {
    let text = std::fs::read(dir.join(CUTS)).unwrap_or_else(|_| b"[]".to_vec());
    serde_json::from_slice(&text).expect("JSON")
}

/// The same operations, and for each that was under way at a cut one more whose answer was lost.
pub fn doubted(mut ops: Vec<Op>, cuts: &[Cut]) -> Vec<Op> {
    let mut more = Vec::new();
    for op in &ops {
        let reads = matches!(op.call, Call::Get { .. } | Call::List { .. } | Call::Stats);
        if reads || op.got == Outcome::Lost {
            continue;
        }
        let met = cuts
            .iter()
            .filter(|cut| op.begun <= cut.to && op.ended >= cut.from);
        more.extend(met.map(|cut| Op {
            ended: cut.to.min(op.ended),
            got: Outcome::Lost,
            ..op.clone()
        }));
    }
    ops.extend(more);
    ops.sort_by_key(|op| (op.begun, op.who, op.n));
    ops
}

/// Until the clients have written so much more, in bytes: faults come by what happened, however fast the machine is.
pub fn until_longer(dir: &Path, by: u64, until: Instant) {
    let length = || -> u64 {
        let files = std::fs::read_dir(dir).expect("the history's directory");
        let lengths = files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len()));
        lengths.sum()
    };
    let before = length();
    while length() < before + by && Instant::now() < until {
        std::thread::sleep(Duration::from_micros(500));
    }
}

//! The recorded counts, and what is said of new ones beside them.
//!
//! Guards that nothing grows unnoticed: a count is held to within 5 %, a case without a record fails,
//! and where other tools measured than those of the record, that is said and ratios are held instead.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a count may grow by, or fall by without a word, where the tools are those of the record.
const BOUND: f64 = 0.05;
/// What the ratio to the yardstick may grow by where they are others; `docs/benchmarks/instructions.md`
/// has what servers and compilers differ by.
const BOUND_ELSEWHERE: f64 = 0.15;

/// All of it, as the file has it.
#[derive(Serialize, Deserialize, Default)]
pub struct Record(BTreeMap<String, Side>);

/// One program under callgrind.
#[derive(Serialize, Deserialize)]
pub struct Side {
    /// By what its counts change without a change here: the server or the compiler, the machine.
    pub measured_with: BTreeMap<String, String>,
    pub counts: BTreeMap<String, Count>,
}

/// What a call costs.
#[derive(Serialize, Deserialize)]
pub struct Count {
    pub instructions: u64,
    /// The same in calls of the side's yardstick.
    pub yardsticks: f64,
    /// What it belongs to, and the SHA-1 of that.
    pub of: String,
    pub sha1: String,
}

/// What was found.
#[derive(Default)]
pub struct Findings {
    /// Each is a failure.
    pub grown: Vec<String>,
    /// What somebody should know.
    pub notes: Vec<String>,
}

impl Record {
    /// What is recorded; a file that is not there records nothing.
    pub fn read() -> Result<Record, Box<dyn Error>> {
        match fs::read_to_string(path()) {
            Ok(text) => Ok(serde_json::from_str(&text)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Record::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts this in its place.
    pub fn write(sides: Vec<(&str, Side)>) -> Result<PathBuf, Box<dyn Error>> {
        let sides = sides.into_iter().map(|(name, side)| (name.into(), side));
        let text = serde_json::to_string_pretty(&Record(sides.collect()))?;
        fs::write(path(), text + "\n")?;
        Ok(path())
    }

    /// Holds what was measured to it.
    pub fn hold(&self, name: &str, measured: &Side, findings: &mut Findings) {
        let Some(recorded) = self.0.get(name) else {
            let text = format!("{name}: nothing is recorded; `make instructions` records it");
            return findings.grown.push(text);
        };
        let differing = recorded.differing(measured);
        if !differing.is_empty() {
            findings.notes.push(format!(
                "{name}: NOT MEASURED AS RECORDED ({}): ratios to the yardstick are held, to {} %, \
                 and not counts to {} %",
                differing.join(", "),
                BOUND_ELSEWHERE * 100.0,
                BOUND * 100.0
            ));
        }
        for (case, count) in &measured.counts {
            match recorded.counts.get(case) {
                Some(before) => judge(name, case, before, count, differing.is_empty(), findings),
                None => findings.grown.push(format!(
                    "{name}, {case}: not recorded; `make instructions` records it"
                )),
            }
        }
        let gone = recorded
            .counts
            .keys()
            .filter(|case| !measured.counts.contains_key(*case));
        findings.grown.extend(gone.map(|case| {
            format!(
                "{name}, {case}: recorded, and measured no more; `make instructions` takes it out"
            )
        }));
    }
}

impl Side {
    fn differing(&self, other: &Side) -> Vec<String> {
        let differing = other.measured_with.iter().filter_map(|(tool, here)| {
            let recorded = self.measured_with.get(tool).map_or("none", String::as_str);
            (recorded != here).then(|| format!("{tool} {here}, recorded {recorded}"))
        });
        differing.collect()
    }
}

fn judge(
    name: &str,
    case: &str,
    before: &Count,
    now: &Count,
    as_recorded: bool,
    findings: &mut Findings,
) {
    let (growth, bound, unit) = if as_recorded {
        let growth = now.instructions as f64 / before.instructions as f64 - 1.0;
        (growth, BOUND, "instructions")
    } else {
        (
            now.yardsticks / before.yardsticks - 1.0,
            BOUND_ELSEWHERE,
            "yardsticks",
        )
    };
    let figures = match unit {
        "instructions" => format!(
            "{} instructions a call, recorded {}",
            now.instructions, before.instructions
        ),
        _ => format!(
            "{} yardsticks a call, recorded {}",
            now.yardsticks, before.yardsticks
        ),
    };
    if growth > bound {
        let changed = if before.sha1 == now.sha1 {
            "Not changed since"
        } else {
            "Changed since"
        };
        findings.grown.push(format!(
            "{name}, {case}: {figures}: {:.1} % more, and the bound is {} %. {changed}: {}.\n    \
             Where the growth is: callgrind_annotate target/instructions/{name}/{}.callgrind",
            growth * 100.0,
            bound * 100.0,
            now.of,
            case.replace(' ', "-"),
        ));
    } else if growth < -bound && as_recorded {
        findings.notes.push(format!(
            "{name}, {case}: {figures}: {:.1} % less. `make instructions` keeps the gain; without it \
             as much can be lost again unnoticed",
            -growth * 100.0
        ));
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/instructions/recorded.json")
}

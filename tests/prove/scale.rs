//! How much is tried: a short run in `make test`, a full one in `make prove`.
//!
//! Guards that a run can be repeated: seed and size are printed, and are taken from the environment.

use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Clone)]
pub struct Scale {
    pub seed: u64,
    pub operations: u32,
    pub clients: u32,
    /// How many of the faults in tests/mutations are tried.
    pub mutations: usize,
    /// How often a server is killed under load.
    pub kills: u32,
    /// How many primaries die.
    pub failovers: u32,
    /// How often a client is killed at each point of each operation.
    pub kill_rounds: usize,
    /// How often one is killed at any moment.
    pub random_kills: usize,
    /// How many operations are made over a connection that loses things.
    pub lossy: usize,
    /// How many calls meet hostile input.
    pub hostile_calls: u64,
    is_full: bool,
    base: PathBuf,
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

impl Scale {
    pub fn of(is_full: bool) -> Scale {
        let (operations, clients) = if is_full {
            (1_000_000, 16)
        } else {
            (20_000, 6)
        };
        Scale {
            seed: number("MARCONI_SEED").unwrap_or(20_141_109),
            operations: number("MARCONI_OPERATIONS").unwrap_or(operations) as u32,
            clients: number("MARCONI_CLIENTS").unwrap_or(clients) as u32,
            mutations: if is_full { usize::MAX } else { 3 },
            kills: if is_full { 120 } else { 12 },
            failovers: if is_full { 120 } else { 8 },
            kill_rounds: if is_full { 3 } else { 1 },
            random_kills: if is_full { 1_000 } else { 40 },
            lossy: if is_full { 16_000 } else { 640 },
            hostile_calls: number("MARCONI_HOSTILE_CALLS").unwrap_or(if is_full {
                120_000
            } else {
                3_000
            }),
            is_full,
            base: std::env::temp_dir().join(format!("marconi-prove-{}", std::process::id())),
        }
    }

    /// How long something random may be done to a server.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(u64::from(self.kills.clamp(6, 90)))
    }

    /// The same, of another size.
    pub fn sized(&self, operations: u32, clients: u32) -> Scale {
        Scale {
            operations,
            clients,
            ..self.clone()
        }
    }

    /// A new directory for what a proof writes.
    pub fn dir(&self, name: &str) -> PathBuf {
        let dir = self.base.join(name);
        std::fs::create_dir_all(&dir).expect("a directory for the proof");
        dir
    }

    /// Nothing was found in it.
    pub fn done_with(&self, dir: &Path) {
        // What can't be cleared away is the system's to clear away.
        let _ = std::fs::remove_dir_all(dir);
        let above = dir.ancestors().skip(1);
        for dir in above.take_while(|dir| dir.starts_with(&self.base)) {
            let _ = std::fs::remove_dir(dir);
        }
    }

    /// How to run this again.
    pub fn command(&self, row: &str) -> String {
        let Scale {
            seed,
            operations,
            clients,
            is_full,
            ..
        } = self;
        let settings = format!(
            "MARCONI_SEED={seed} MARCONI_OPERATIONS={operations} MARCONI_CLIENTS={clients}"
        );
        let full = if *is_full { "full " } else { "" };
        let command = format!("{settings} cargo test --release --test prove -- {full}{row}");
        command.trim_end().to_owned()
    }
}

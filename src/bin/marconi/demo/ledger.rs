//! What a worker did, in a file of its own: the side effects that a real worker would have.
//!
//! Guards that what is written happened, and that what happened is written: each entry is one line,
//! handed to the system in one write before the worker goes on, so that no kill takes it back.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One line. Ids are text here, as another program would keep them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "snake_case")]
pub enum Entry {
    /// Took these messages under a claim.
    Claimed {
        claim: String,
        fence: u64,
        messages: Vec<String>,
        at_ms: u64,
    },
    /// The side effect: the order is dealt with, for good.
    Processed {
        message: String,
        line: u64,
        order: Value,
        claim: String,
        fence: u64,
        at_ms: u64,
    },
    /// The queue deleted them for it.
    Deleted {
        claim: String,
        messages: Vec<String>,
    },
    /// The queue refused to.
    Refused {
        claim: String,
        message: String,
        word: String,
    },
}

/// A file that only grows.
pub struct Ledger(File);

impl Ledger {
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = File::options().append(true).create_new(true).open(path)?;
        Ok(Ledger(file))
    }

    pub fn write(&mut self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.0.write_all(&line)
    }
}

/// All entries of a file. A last line without its end is what a kill cut off; it is no entry.
pub fn read(path: &Path) -> Result<Vec<Entry>> {
    let at = || format!("the ledger {}", path.display());
    let text = std::fs::read_to_string(path).with_context(at)?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let entries = whole.lines().map(serde_json::from_str);
    entries.collect::<Result<_, _>>().with_context(at)
}

//! Histories in files: one for each client and group of queues, lines as they come.
//!
//! Guards that a line is whole: it is written in one piece, and one that can't be read is an error, but for a last one
//! that was cut when its process was killed.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Call, Micros, Outcome};

#[derive(Serialize, Deserialize)]
enum Line {
    #[serde(rename = "begin")]
    Begin {
        n: u32,
        at: Micros,
        queue: usize,
        call: Call,
    },
    #[serde(rename = "end")]
    End { n: u32, at: Micros, got: Outcome },
}

/// An operation as the checker sees it.
#[derive(Clone, Debug)]
pub struct Op {
    /// Which client.
    pub who: u32,
    /// The client's how-manieth.
    pub n: u32,
    /// Which queue of the group.
    pub queue: usize,
    pub begun: Micros,
    /// `Micros::MAX` where nobody saw the end.
    pub ended: Micros,
    pub call: Call,
    pub got: Outcome,
}

/// What one client writes.
pub struct Log {
    files: Vec<File>,
}

pub fn path(dir: &Path, group: usize, who: u32) -> PathBuf {
    dir.join(format!("group-{group}.client-{who}.jsonl"))
}

impl Log {
    pub fn create(dir: &Path, groups: usize, who: u32) -> std::io::Result<Log> {
        let files = (0..groups).map(|group| File::create(path(dir, group, who)));
        Ok(Log {
            files: files.collect::<Result<_, _>>()?,
        })
    }

    pub fn begin(&mut self, group: usize, queue: usize, n: u32, at: Micros, call: &Call) {
        let call = call.clone();
        self.write(group, &Line::Begin { n, at, queue, call });
    }

    pub fn end(&mut self, group: usize, n: u32, at: Micros, got: &Outcome) {
        let got = got.clone();
        self.write(group, &Line::End { n, at, got });
    }

    fn write(&mut self, group: usize, line: &Line) {
        let mut text = serde_json::to_vec(line).expect("a line");
        text.push(b'\n');
        let written = self.files[group].write_all(&text);
        written.expect("room for the history");
    }
}

/// All operations of a group, in the order of their beginnings.
pub fn read(dir: &Path, group: usize, clients: u32) -> Result<Vec<Op>, String> {
    let mut ops = Vec::new();
    for who in 0..clients {
        read_client(&path(dir, group, who), who, &mut ops)?;
    }
    ops.sort_by_key(|op| (op.begun, op.who, op.n));
    Ok(ops)
}

fn read_client(path: &Path, who: u32, ops: &mut Vec<Op>) -> Result<(), String> {
    let wrong = |what: String| format!("{}: {what}", path.display());
    let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
    let mut begun: HashMap<u32, Op> = HashMap::new();
    let mut lines = BufReader::new(file).lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let line = line.map_err(|error| wrong(error.to_string()))?;
        match serde_json::from_str(&line) {
            Ok(Line::Begin { n, at, queue, call }) => {
                let (ended, got) = (Micros::MAX, Outcome::Lost);
                let begun_at = at;
                let op = Op {
                    who,
                    n,
                    queue,
                    begun: begun_at,
                    ended,
                    call,
                    got,
                };
                begun.insert(n, op);
            }
            Ok(Line::End { n, at, got }) => {
                let op = begun.remove(&n);
                let op = op.ok_or_else(|| wrong(format!("line {number} ends what never began")))?;
                if matches!(got, Outcome::NotDone(_)) {
                    continue;
                }
                ops.push(Op {
                    ended: at,
                    got,
                    ..op
                });
            }
            Err(_) if lines.peek().is_none() => break,
            Err(error) => return Err(wrong(format!("line {number}: {error}"))),
        }
    }
    ops.extend(begun.into_values());
    Ok(())
}

/// Why operations of a client were given up that it was told were not done.
pub fn said_not_done(dir: &Path, group: usize, who: u32) -> Vec<String> {
    let text = std::fs::read_to_string(path(dir, group, who)).unwrap_or_default();
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let said = lines.filter_map(|line| match line {
        Line::End {
            got: Outcome::NotDone(why),
            ..
        } => Some(why),
        _ => None,
    });
    said.collect()
}

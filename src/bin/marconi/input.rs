//! Messages from a file or standard input: JSON, a document a line.
//!
//! Guards that a line is posted as soon as it is there: `tail -f log | marconi post q` waits for no
//! full batch.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::Path;

use anyhow::Result;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::body::Body;
use crate::failure::Failure;

/// Documents that are read ahead of those that are being posted.
const AHEAD: usize = 1_000;

/// One document, and how many bytes of the input it took.
pub struct Document {
    pub body: Body,
    pub bytes: u64,
}

/// Where documents come from, in their order.
pub enum Source {
    Given(std::vec::IntoIter<Document>),
    Read(mpsc::Receiver<Result<Document>>),
}

/// Whether to wait for a document that is not there yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    Yes,
    No,
}

impl Source {
    /// Documents from the command line, all looked at before the first is posted.
    pub fn given(documents: &[String]) -> Result<Self> {
        let parsed: Result<Vec<Document>> = documents
            .iter()
            .enumerate()
            .map(|(number, text)| parse(text, &format!("body {}", number + 1)))
            .collect();
        Ok(Source::Given(parsed?.into_iter()))
    }

    /// A file, `-` for standard input; and its size, where it has one.
    pub fn read(path: &Path) -> Result<(Self, Option<u64>)> {
        let name = path.display().to_string();
        if name == "-" {
            if io::stdin().is_terminal() {
                eprintln!("marconi: type a JSON document a line, and ^D to end");
            }
            return Ok((
                Self::reading(io::stdin(), "standard input".to_owned()),
                None,
            ));
        }
        let opened = File::open(path).and_then(|file| {
            let data = file.metadata()?;
            match data.is_dir() {
                true => Err(io::ErrorKind::IsADirectory.into()),
                false => Ok((file, data)),
            }
        });
        let (file, data) = opened.map_err(|e| Failure::no_input(format!("{name}: {e}")))?;
        let size = data.is_file().then_some(data.len());
        Ok((Self::reading(file, name), size))
    }

    /// A thread of its own reads: standard input has no other way that can be left waiting.
    fn reading(from: impl Read + Send + 'static, name: String) -> Self {
        let (give, take) = mpsc::channel(AHEAD);
        std::thread::spawn(move || {
            let mut lines = BufReader::with_capacity(1 << 16, from);
            let mut line = Vec::new();
            for number in 1.. {
                line.clear();
                let document = match lines.read_until(b'\n', &mut line) {
                    Ok(0) => return,
                    Ok(_) if line.trim_ascii().is_empty() => continue,
                    Ok(_) => parse_line(&line, &name, number),
                    Err(error) => Err(Failure::no_input(format!("{name}: {error}"))),
                };
                let is_last = document.is_err();
                if give.blocking_send(document).is_err() || is_last {
                    return;
                }
            }
        });
        Source::Read(take)
    }

    /// Whether all were handed out.
    pub fn is_at_end(&self) -> bool {
        match self {
            Source::Given(documents) => documents.len() == 0,
            Source::Read(documents) => documents.is_closed() && documents.is_empty(),
        }
    }

    /// The next document: `None` at the end, and with [`Wait::No`] where none is there yet.
    pub async fn next(&mut self, wait: Wait) -> Result<Option<Document>> {
        match (self, wait) {
            (Source::Given(documents), _) => Ok(documents.next()),
            (Source::Read(documents), Wait::Yes) => documents.recv().await.transpose(),
            (Source::Read(documents), Wait::No) => documents.try_recv().ok().transpose(),
        }
    }
}

fn parse_line(line: &[u8], name: &str, number: u64) -> Result<Document> {
    let place = format!("{name}, line {number}");
    match std::str::from_utf8(line) {
        Ok(text) => parse(text, &place),
        Err(_) => Err(Failure::bad_input(format!("{place}: is not UTF-8"))),
    }
}

fn parse(text: &str, place: &str) -> Result<Document> {
    let bytes = text.len() as u64;
    serde_json::from_str::<Value>(text)
        .map(|body| Document {
            body: Body(body),
            bytes,
        })
        .map_err(|error| {
            // The parser's own line is always 1 here, and says nothing.
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            let hint = match text.trim_start().starts_with(['{', '[', '"']) {
                true => "each line has to be one whole JSON document".to_owned(),
                false => r#"text needs its quotes: '"like this"'"#.to_owned(),
            };
            Failure::bad_input(format!(
                "{place}: no JSON ({what} at column {}); {hint}",
                error.column()
            ))
        })
}

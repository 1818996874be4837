//! What goes to standard output and standard error.
//!
//! Guards standard output: with `--json` one document and nothing else, without it nothing that a
//! message's body or a name could do to a terminal.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::global::Global;

/// Where and how to show things.
pub struct Output {
    pub json: bool,
    pub quiet: bool,
}

impl Output {
    pub fn of(global: &Global) -> Self {
        Output {
            json: global.json,
            quiet: global.quiet,
        }
    }

    /// The document with `--json`; else the text, made only then.
    pub fn show(&self, document: &impl Serialize, text: impl FnOnce() -> String) -> io::Result<()> {
        let mut shown = match self.json {
            true => serde_json::to_string(document).map_err(io::Error::other)?,
            false => text(),
        };
        if shown.is_empty() {
            return Ok(());
        }
        if !shown.ends_with('\n') {
            shown.push('\n');
        }
        self.raw(shown.as_bytes())
    }

    /// A line that says what was done: for people only, and not with `-q`.
    pub fn done(&self, document: &impl Serialize, line: impl FnOnce() -> String) -> io::Result<()> {
        match self.quiet && !self.json {
            true => Ok(()),
            false => self.show(document, line),
        }
    }

    /// These bytes and no others.
    pub fn raw(&self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()
    }

    /// A remark beside the answer: on standard error, for people only.
    pub fn note(&self, line: &str) {
        if !self.quiet && !self.json {
            // Where standard error is gone there is nobody to tell.
            let _ = writeln!(io::stderr(), "{line}");
        }
    }
}

/// Control characters as JSON would write them.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() {
            true => shown.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => shown.push(c),
        }
    }
    shown
}

/// A name as it can be typed in a shell.
pub fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:,".contains(c);
    match !name.starts_with('-') && name.chars().all(plain) {
        true => name.to_owned(),
        false => format!("'{}'", name.replace('\'', r"'\''")),
    }
}

/// `1 message`, `2 messages`.
pub fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Whether a row is cut where a line of the terminal ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    Cut,
    Whole,
}

/// Rows under headings, columns aligned.
pub struct Table {
    headings: Vec<&'static str>,
    numbers: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A heading that begins with `>` stands over numbers, aligned to the right.
    pub fn new(headings: &[&'static str]) -> Self {
        let numbers = headings.iter().map(|h| h.starts_with('>')).collect();
        let bare = headings.iter().map(|h| h.trim_start_matches('>'));
        Table {
            headings: bare.collect(),
            numbers,
            rows: Vec::new(),
        }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows
            .push(cells.into_iter().map(|cell| printable(&cell)).collect());
    }

    /// As text; no trailing blanks.
    pub fn render(&self, rows: Rows) -> String {
        let terminal = terminal();
        let headings = self.headings.iter().map(|h| (*h).to_owned()).collect();
        let all: Vec<&Vec<String>> = std::iter::once(&headings).chain(&self.rows).collect();
        let widths: Vec<usize> = (0..self.headings.len())
            .map(|at| all.iter().map(|row| wide(&row[at])).max().unwrap_or(0))
            .collect();
        let mut text = String::new();
        for (number, row) in all.iter().enumerate() {
            let mut line = String::new();
            for (at, cell) in row.iter().enumerate() {
                let blanks = " ".repeat(widths[at] - wide(cell));
                let (before, after) = match self.numbers[at] {
                    true => (blanks.as_str(), ""),
                    false => ("", blanks.as_str()),
                };
                line.push_str(&format!("{before}{cell}{after}  "));
            }
            let line = match &terminal {
                Some(terminal) if rows == Rows::Cut => {
                    console::truncate_str(line.trim_end(), terminal.columns, "…")
                }
                _ => line.trim_end().into(),
            };
            match &terminal {
                Some(Terminal { colour: true, .. }) if number == 0 => {
                    text.push_str(&format!("\x1b[1m{line}\x1b[0m\n"));
                }
                _ => text.push_str(&format!("{line}\n")),
            }
        }
        text
    }
}

fn wide(text: &str) -> usize {
    console::measure_text_width(text)
}

struct Terminal {
    columns: usize,
    colour: bool,
}

/// Of standard output, where it is one.
fn terminal() -> Option<Terminal> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    let (_, columns) = console::Term::stdout().size();
    Some(Terminal {
        columns: usize::from(columns.max(20)),
        colour: !is_set("NO_COLOR") && !dumb,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_for_the_shell() {
        assert_eq!(quoted("orders"), "orders");
        assert_eq!(quoted("it's here"), r"'it'\''s here'");
        assert_eq!(quoted("-x"), "'-x'");
    }
}

//! A table of results, for people and as JSON.
//!
//! Guards that both say the same: each cell is written once.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::meter::{Cost, SLOWLOG_FROM, median, or_none};

/// What no call may exceed, in us.
const SLOWLOG_BOUND: u64 = 5000;

/// One figure.
pub enum Cell {
    /// With so many places.
    Number(f64, usize),
    /// As it is.
    Text(String),
}

/// Results that belong together.
pub struct Table {
    title: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<(String, Vec<Cell>)>,
    missed: Vec<String>,
}

impl Table {
    /// The first column, what was measured, is not named.
    pub fn new(title: &'static str, columns: &[&'static str]) -> Table {
        Table {
            title,
            columns: columns.to_vec(),
            rows: Vec::new(),
            missed: Vec::new(),
        }
    }

    /// One more row; with a bound, the cell that it is for and the most it may be.
    pub fn row(&mut self, what: impl Into<String>, cells: Vec<Cell>, bound: Option<(usize, f64)>) {
        let what = what.into();
        if let Some((column, most)) = bound
            && let Some(Cell::Number(value, places)) = cells.get(column)
            && (value.is_nan() || *value > most)
        {
            let name = self.columns[column];
            let line = format!("{what}: {name} {value:.places$}, at most {most}");
            self.missed.push(line);
        }
        self.rows.push((what, cells));
    }

    /// A table of calls that none may be long.
    pub fn of_calls(title: &'static str) -> Table {
        let columns = [
            "calls",
            "sweeps",
            "slowlog ms",
            "of",
            "longest ms",
            "of",
            "median ms",
            "total ms",
        ];
        Table::new(title, &columns)
    }

    /// One more row of such a table.
    pub fn calls(&mut self, what: impl Into<String>, cost: &Cost) {
        let what = what.into();
        let (us, script) = cost.slowlog;
        // What the call spent waiting for its turn on a busy machine is in the slowlog too.
        let (cpu, longest) = cost.longest;
        if us > SLOWLOG_BOUND && cpu > SLOWLOG_BOUND as f64 {
            self.missed.push(format!(
                "{what}: slowlog entry of {:.1} ms, {longest} took {:.1} ms of CPU, at most {}",
                us as f64 / 1e3,
                cpu / 1e3,
                SLOWLOG_BOUND / 1000,
            ));
        }
        let slowlog = if us == 0 {
            Cell::Text(format!("< {}", SLOWLOG_FROM / 1000))
        } else {
            Cell::Number(us as f64 / 1e3, 2)
        };
        let cells = vec![
            Cell::Number(cost.calls as f64, 0),
            Cell::Number(cost.sweeps as f64, 0),
            slowlog,
            Cell::Text(or_none(script).into()),
            Cell::Number(cpu / 1e3, 2),
            Cell::Text(or_none(longest).into()),
            Cell::Number(median(&mut cost.each.clone()) / 1e3, 2),
            Cell::Number(cost.each.iter().sum::<f64>() / 1e3, 1),
        ];
        self.rows.push((what, cells));
    }

    /// The targets that were missed, a sentence each.
    pub fn missed(&self) -> impl Iterator<Item = String> + '_ {
        self.missed.iter().cloned()
    }

    /// A list of objects.
    pub fn json(&self) -> Value {
        let rows = self.rows.iter().map(|(what, cells)| {
            let mut row = Map::new();
            row.insert("what".into(), json!(what));
            let mut before = "";
            for (column, cell) in self.columns.iter().zip(cells) {
                // "of" is of the column before it.
                let name = if *column == "of" {
                    format!("{before} of")
                } else {
                    (*column).to_owned()
                };
                row.insert(name.replace(' ', "_"), cell.json());
                before = column;
            }
            Value::Object(row)
        });
        rows.collect()
    }
}

impl Cell {
    fn json(&self) -> Value {
        match self {
            Cell::Number(value, places) => {
                let scale = 10f64.powi(i32::try_from(*places).unwrap_or(0));
                json!((value * scale).round() / scale)
            }
            Cell::Text(text) => json!(text),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Number(value, places) => f.pad(&format!("{value:.places$}")),
            Cell::Text(text) => f.pad(text),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.rows.iter().map(|(what, _)| what.len()).max();
        let first = first.unwrap_or(0).max(self.title.len());
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(i, column)| {
                let cells = self
                    .rows
                    .iter()
                    .map(|(_, cells)| cells[i].to_string().len());
                cells.max().unwrap_or(0).max(column.len())
            })
            .collect();
        write!(f, "{:first$}", self.title)?;
        for (column, width) in self.columns.iter().zip(&widths) {
            write!(f, "  {column:>width$}")?;
        }
        for (what, cells) in &self.rows {
            write!(f, "\n{what:first$}")?;
            for (cell, width) in cells.iter().zip(&widths) {
                write!(f, "  {cell:>width$}")?;
            }
        }
        Ok(())
    }
}

//! What a proof has tried, by name, and what it has found.
//!
//! Guards that a number in a row was counted where it happened.

use std::fmt::Display;

#[derive(Default)]
pub struct Tally {
    counts: Vec<(&'static str, u64)>,
    pub violations: Vec<String>,
}

impl Tally {
    pub fn add(&mut self, what: &'static str, more: u64) {
        match self.counts.iter_mut().find(|count| count.0 == what) {
            Some(count) => count.1 += more,
            None => self.counts.push((what, more)),
        }
    }

    pub fn of(&self, what: &str) -> u64 {
        let found = self.counts.iter().find(|count| count.0 == what);
        found.map_or(0, |count| count.1)
    }

    pub fn expect(&mut self, holds: bool, what: impl Display) {
        if !holds {
            self.violations.push(what.to_string());
        }
    }

    /// What came less often than it has to.
    pub fn tame(&self, floors: &[(&str, u64)]) -> Vec<String> {
        let low = floors.iter().filter(|(what, floor)| self.of(what) < *floor);
        let why = |(what, floor): &(&str, u64)| {
            let count = self.of(what);
            format!("too tame: {what}: {count}, at least {floor}")
        };
        low.map(why).collect()
    }

    pub fn details(&self) -> Vec<(String, String)> {
        let counts = self.counts.iter();
        counts
            .map(|(what, count)| ((*what).to_owned(), count.to_string()))
            .collect()
    }

    pub fn print(&self) {
        for violation in self.violations.iter().take(5) {
            println!("{violation}");
        }
    }
}

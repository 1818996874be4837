//! How often each thing was said and found, and whether that was enough to prove anything.
//!
//! Guards that every verdict came, in both its cases where it has two, and every fault.

use super::fault::Fault;
use super::trial::{Found, Said};

#[derive(Default)]
pub struct Tally {
    pub verdicts: Vec<(Said, Found)>,
    /// Answered, though something got lost on the way.
    pub recovered: u64,
    /// Done again by another client, after an error.
    pub again: u64,
    pub faults: Vec<(Fault, u64)>,
    pub violations: Vec<String>,
    pub failures: Vec<String>,
}

/// What has to have come how often, of a thousand operations.
const FLOORS: &[(Said, Option<Found>, u64)] = &[
    (Said::Answered, None, 400),
    (Said::NotDone, None, 15),
    (Said::Done, None, 5),
    (Said::Unknown, Some(Found::Nothing), 30),
    (Said::Unknown, Some(Found::All), 25),
];

impl Tally {
    fn count(&self, said: Said, found: Option<Found>) -> u64 {
        let fits = |(was, there): &&(Said, Found)| {
            *was == said && found.is_none_or(|found| found == *there)
        };
        self.verdicts.iter().filter(fits).count() as u64
    }

    pub fn tame(&self) -> Vec<String> {
        let all = self.verdicts.len() as u64;
        let mut failures = Vec::new();
        let mut least = |what: &str, count: u64, of_thousand: u64| {
            if count * 1000 < all * of_thousand {
                failures.push(format!(
                    "too tame: {what} {count} times in {all} operations, at least {of_thousand} in 1000"
                ));
            }
        };
        for (said, found, of_thousand) in FLOORS {
            let what = match found {
                Some(found) => &format!("{}, and {}", said.says(), found.says()),
                None => said.says(),
            };
            least(what, self.count(*said, *found), *of_thousand);
        }
        for (fault, count) in &self.faults {
            least(fault.says(), *count, 8);
        }
        least("answered all the same", self.recovered, 150);
        least("done again", self.again, 50);
        failures
    }

    pub fn details(&self) -> Vec<(String, String)> {
        let mut details = Vec::new();
        let mut tell = |what: &str, count: u64| details.push((what.to_owned(), count.to_string()));
        for said in [Said::Answered, Said::Done, Said::NotDone, Said::Unknown] {
            for found in [Found::All, Found::Nothing, Found::Twice] {
                let what = format!("{}, and {}", said.says(), found.says());
                tell(&what, self.count(said, Some(found)));
            }
        }
        tell(
            "answered though something was lost on the way",
            self.recovered,
        );
        tell("done again by another client after an error", self.again);
        for (fault, count) in &self.faults {
            tell(fault.says(), *count);
        }
        details
    }

    pub fn add(&mut self, other: Tally) {
        self.verdicts.extend(other.verdicts);
        self.violations.extend(other.violations);
        self.failures.extend(other.failures);
        self.recovered += other.recovered;
        self.again += other.again;
        for (fault, count) in other.faults {
            match self.faults.iter_mut().find(|(known, _)| *known == fault) {
                Some((_, sum)) => *sum += count,
                None => self.faults.push((fault, count)),
            }
        }
    }
}

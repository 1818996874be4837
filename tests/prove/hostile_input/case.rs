//! One case, by its number; and what came of all of them.
//!
//! Guards the replay: a case hangs on the seed, its part and its number alone, never on the cases before it.

use std::collections::BTreeMap;

use crate::rng::Rng;

/// What is being tried: each part has its own cases, numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    Scripts,
    Library,
    Replies,
    Text,
}

impl Area {
    pub const ALL: [Area; 4] = [Area::Scripts, Area::Library, Area::Replies, Area::Text];

    pub fn name(self) -> &'static str {
        match self {
            Area::Scripts => "scripts",
            Area::Library => "library",
            Area::Replies => "replies",
            Area::Text => "text",
        }
    }

    /// For a reader.
    pub fn told(self) -> &'static str {
        match self {
            Area::Scripts => "plain calls of scripts, on damaged keys",
            Area::Library => "operations of the library, on damaged keys",
            Area::Replies => "operations of the library, to a false server",
            Area::Text => "names, ids, bytes and URLs",
        }
    }

    /// So many of a hundred calls.
    fn share(self) -> u64 {
        match self {
            Area::Scripts => 52,
            Area::Library => 16,
            Area::Replies => 12,
            Area::Text => 20,
        }
    }

    /// So many calls on what was made ready once; they are one case.
    pub fn calls(self) -> u64 {
        match self {
            Area::Scripts | Area::Library => 4,
            Area::Replies | Area::Text => 1,
        }
    }
}

/// Which cases are to run.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub seed: u64,
    calls: u64,
    alone: Option<(String, u64)>,
}

impl Wanted {
    /// `MARCONI_CASE=scripts/17` runs one alone.
    pub fn of(seed: u64, calls: u64) -> Self {
        let alone = std::env::var("MARCONI_CASE").ok().map(|text| {
            let (area, number) = text.split_once('/').expect("MARCONI_CASE=area/number");
            let number = number.parse().expect("MARCONI_CASE=area/number");
            (area.to_owned(), number)
        });
        Wanted { seed, calls, alone }
    }

    pub fn is_alone(&self) -> bool {
        self.alone.is_some()
    }

    pub fn numbers(&self, area: Area) -> std::ops::Range<u64> {
        match &self.alone {
            Some((name, number)) if name == area.name() => *number..number + 1,
            Some(_) => 0..0,
            None => 0..self.calls * area.share() / 100 / area.calls(),
        }
    }

    pub fn rng(&self, area: Area, number: u64) -> Rng {
        let at = Area::ALL.iter().position(|other| *other == area);
        let stream = (at.unwrap_or(0) as u64 + 1) << 40 | number;
        Rng::of_stream(self.seed, stream)
    }
}

/// What came of the cases.
#[derive(Default)]
pub struct Ledger {
    pub tried: u64,
    pub violations: Vec<String>,
    /// How often each of the things that are worth counting happened.
    pub counts: BTreeMap<String, u64>,
    /// Which damage has met which operation of an area, and how often that passed and was refused.
    met: BTreeMap<(&'static str, String, String), (u64, u64)>,
}

impl Ledger {
    pub fn count(&mut self, what: impl Into<String>) {
        *self.counts.entry(what.into()).or_default() += 1;
    }

    pub fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// One call more.
    pub fn try_one(&mut self) {
        self.tried += 1;
    }

    /// An operation has met some damage; two, at times.
    pub fn meet(&mut self, area: Area, damage: &str, operation: &str, passed: bool) {
        let key = (area.name(), damage.to_owned(), operation.to_owned());
        let met = self.met.entry(key).or_default();
        if passed {
            met.0 += 1;
        } else {
            met.1 += 1;
        }
    }

    /// Something that must not be; `told` is what the case was.
    pub fn violation(&mut self, area: Area, number: u64, what: &str, told: &str) {
        let told: String = told.chars().take(600).collect();
        let line = format!("MARCONI_CASE={}/{number}: {what}: {told}", area.name());
        if self.violations.len() < 20 {
            println!("  {line}");
        }
        self.violations.push(line);
    }

    pub fn absorb(&mut self, other: Ledger) {
        self.tried += other.tried;
        self.violations.extend(other.violations);
        for (what, count) in other.counts {
            *self.counts.entry(what).or_default() += count;
        }
        for (key, (passed, refused)) in other.met {
            let met = self.met.entry(key).or_default();
            met.0 += passed;
            met.1 += refused;
        }
    }

    /// How often something passed in an area, and how often it was refused.
    pub fn came_to(&self, area: Area) -> (u64, u64) {
        let of = self
            .met
            .iter()
            .filter(|((name, ..), _)| *name == area.name());
        of.fold((0, 0), |(passed, refused), (_, met)| {
            (passed + met.0, refused + met.1)
        })
    }

    /// How many pairs of a damage and an operation there were in an area.
    pub fn pairs(&self, area: Area) -> usize {
        self.met
            .keys()
            .filter(|(name, ..)| *name == area.name())
            .count()
    }

    /// Those of some operations of an area that have never passed.
    pub fn never_passed<'a>(
        &self,
        area: Area,
        operations: impl Iterator<Item = &'a str>,
    ) -> Vec<&'a str> {
        let passed = |operation: &&str| {
            let of = |key: &(&str, String, String)| key.0 == area.name() && key.2 == *operation;
            self.met.iter().any(|(key, met)| of(key) && met.0 > 0)
        };
        operations.filter(|operation| !passed(operation)).collect()
    }
}

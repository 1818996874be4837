//! What is measured, and how much of it: the full run, and a small one that only shows that everything works.
//!
//! Guards that both run the same code: they differ in numbers alone.

/// A queue by ten, 100 bytes, nothing queued, no append-only file: from here one thing is changed at a time.
pub const BASE: &str = "by ten, 100 B";
/// The same one by one.
pub const SINGLE: &str = "one by one, 100 B";

/// All numbers of a run.
#[derive(Clone, Copy)]
pub struct Plan {
    pub name: &'static str,
    pub rounds: usize,
    /// Messages in one reading of the server's CPU.
    pub messages: usize,
    /// Calls of a kind in a round whose times are taken, one after the other.
    pub calls: usize,
    /// What is queued or in flight: the two that are not nothing.
    pub depths: [usize; 2],
    /// How many are filled in for the figures of memory.
    pub stored: usize,
    /// Messages a round that a client posts and works off.
    pub sent: usize,
    /// The same for a client that does it one after the other.
    pub sent_slowly: usize,
    /// What is queued of a client that does it one after the other, and twice what all have in flight.
    pub behind_slowly: usize,
    /// Requests of a run of redis-benchmark.
    pub requests: usize,
    /// Seconds that half of the load lasts in each round.
    pub load_seconds: f64,
}

pub const FULL: Plan = Plan {
    name: "full",
    rounds: 9,
    messages: 1000,
    calls: 1000,
    depths: [100_000, 1_000_000],
    stored: 1_000_000,
    sent: 6400,
    sent_slowly: 300,
    behind_slowly: 5000,
    requests: 100_000,
    load_seconds: 2.0,
};

pub const SMALL: Plan = Plan {
    name: "small",
    rounds: 2,
    messages: 100,
    calls: 20,
    depths: [1000, 5000],
    stored: 5000,
    sent: 128,
    sent_slowly: 20,
    behind_slowly: 300,
    requests: 2000,
    load_seconds: 0.2,
};

impl Plan {
    pub fn named(name: &str) -> Option<Plan> {
        [FULL, SMALL].into_iter().find(|plan| plan.name == name)
    }

    /// The target's words for the larger depth; what it says is 1,000,000 in the full run.
    pub fn deepest(&self) -> usize {
        self.depths[1]
    }
}

/// A number with its thousands apart.
pub fn spelled(number: usize) -> String {
    let digits = number.to_string();
    let mut spelled = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            spelled.push(',');
        }
        spelled.push(digit);
    }
    spelled
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_stand_apart() {
        let found = [7, 100, 1000, 250_000, 1_000_000].map(super::spelled);
        assert_eq!(found, ["7", "100", "1,000", "250,000", "1,000,000"]);
    }
}

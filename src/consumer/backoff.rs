//! How long a message that failed stays unseen.
//!
//! Guards that failing messages don't come back all at once: the delays grow with every claim, and
//! each is drawn at random from the upper part of its range.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// How long a message stays unseen after a handler failed on it.
///
/// The delay grows with the number of claims of the message: `first`, `first` × `factor`, and so
/// on, up to `most`. Unless set: 1 s, doubled up to 5 min, and each drawn from its upper half.
///
/// ```
/// use std::time::Duration;
/// use marconi_redis::Backoff;
///
/// let backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10)).jitter(0.0);
/// assert_eq!(backoff.delay(1), Duration::from_millis(200));
/// assert_eq!(backoff.delay(3), Duration::from_millis(800));
/// assert_eq!(backoff.delay(99), Duration::from_secs(10));
/// assert_eq!(Backoff::none().delay(7), Duration::ZERO);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    factor: f64,
    jitter: f64,
}

impl Backoff {
    /// Delays from `first` to `most`, doubled each time, drawn from their upper half.
    pub fn new(first: Duration, most: Duration) -> Self {
        Backoff {
            first,
            most,
            factor: 2.0,
            jitter: 0.5,
        }
    }

    /// No delay: the message is claimable again at once.
    pub fn none() -> Self {
        Self::new(Duration::ZERO, Duration::ZERO)
    }

    /// By how much the delay grows with each claim: 2, unless set. What is below 1, or no number,
    /// counts as 1.
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor.max(1.0);
        self
    }

    /// Which share of a delay is left to chance: 0.5, unless set; 0 to 1. What is no number counts
    /// as 0.
    pub fn jitter(mut self, share: f64) -> Self {
        let share = if share.is_nan() { 0.0 } else { share };
        self.jitter = share.clamp(0.0, 1.0);
        self
    }

    /// The delay of a message that was claimed so often, the claim it failed under counted. With
    /// jitter, another one each time.
    pub fn delay(&self, claims: u64) -> Duration {
        let steps = i32::try_from(claims.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.first.as_secs_f64() * self.factor.powi(steps);
        let grown = Duration::try_from_secs_f64(grown).unwrap_or(self.most);
        spread(grown.min(self.most), self.jitter)
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_secs(1), Duration::from_secs(300))
    }
}

/// A random length of time: at most this, and at least the share that is not left to chance.
pub(super) fn spread(length: Duration, share: f64) -> Duration {
    // Each RandomState is seeded anew; jitter needs no better source, and no dependency.
    let random = RandomState::new().hash_one(0_u8) as u32;
    let less = length.mul_f64(share * f64::from(random) / f64::from(u32::MAX));
    length.saturating_sub(less)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn delays_grow_with_the_claims_and_are_never_below_half_nor_above_the_most() {
        let backoff = Backoff::default();
        let mut ceiling = SECOND;
        for claims in 1..20 {
            for _ in 0..20 {
                let delay = backoff.delay(claims);
                assert!(ceiling / 2 <= delay && delay <= ceiling, "{delay:?}");
            }
            ceiling = (ceiling * 2).min(Duration::from_secs(300));
        }
        assert_eq!(ceiling, Duration::from_secs(300));
    }

    #[test]
    fn chance_moves_the_delays_apart() {
        let backoff = Backoff::default();
        let some: std::collections::HashSet<_> = (0..20).map(|_| backoff.delay(5)).collect();
        assert!(some.len() > 10, "{some:?}");
    }

    #[test]
    fn settings_out_of_their_bounds_are_brought_into_them() {
        let backoff = Backoff::new(SECOND, Duration::MAX);
        assert_eq!(backoff.factor(f64::NAN).jitter(-1.0).delay(50), SECOND);
        assert_eq!(backoff.factor(0.1).jitter(f64::NAN).delay(50), SECOND);
        assert!(backoff.jitter(7.0).delay(1) <= SECOND);
        let longest = backoff.jitter(0.0).delay(u64::MAX);
        assert_eq!(longest, Duration::MAX);
    }
}

//! Points in time and lengths of time, as the scripts take them: whole milliseconds.
//!
//! Guards that no length of time gets shorter on its way: what is no whole millisecond is rounded up.

use std::fmt;
use std::time::{Duration, SystemTime};

/// A point in time: milliseconds since 1970.
///
/// ```
/// use std::time::SystemTime;
/// use marconi_redis::Timestamp;
///
/// assert_eq!(Timestamp::from(1_700_000_000_000).as_millis(), 1_700_000_000_000);
/// assert!(Timestamp::from(SystemTime::now()) > Timestamp::from(1_700_000_000_000));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Milliseconds since 1970.
    pub fn as_millis(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero where it is not after it.
    ///
    /// ```
    /// # use marconi_redis::Timestamp;
    /// let (early, late) = (Timestamp::from(1_000), Timestamp::from(1_250));
    /// assert_eq!(late.since(early).as_millis(), 250);
    /// assert!(early.since(late).is_zero());
    /// ```
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl From<u64> for Timestamp {
    fn from(ms: u64) -> Self {
        Timestamp(ms)
    }
}

/// A time before 1970 counts as 1970.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        Timestamp(since.map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        }))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// As an argument of a script. What no u64 holds is far over every bound, so the script refuses it.
pub(crate) fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_never_cut_short() {
        assert_eq!(millis(Duration::ZERO), 0);
        assert_eq!(millis(Duration::from_nanos(1)), 1);
        assert_eq!(millis(Duration::from_micros(1_500)), 2);
        assert_eq!(millis(Duration::MAX), u64::MAX);
    }
}

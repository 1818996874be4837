//! How long to wait before trying again.
//!
//! Guards a server that comes back against all its clients at once: the waits double, and each is
//! drawn at random from its upper half.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::{Instant, sleep};

const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(500);

pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Backoff { next: FIRST }
    }

    /// Waits its turn; `false`, at once, where the deadline would pass meanwhile.
    pub(crate) async fn pause(&mut self, deadline: Instant) -> bool {
        let pause = self.draw();
        if Instant::now() + pause >= deadline {
            return false;
        }
        sleep(pause).await;
        true
    }

    /// How long to wait this time.
    pub(crate) fn draw(&mut self) -> Duration {
        let ceiling = self.next;
        self.next = (ceiling * 2).min(LONGEST);
        // Each RandomState is seeded anew; jitter needs no better source, and no dependency.
        let random = RandomState::new().hash_one(0_u8) as u32;
        ceiling / 2 + (ceiling / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_are_never_below_half() {
        let mut backoff = Backoff::new();
        let mut ceiling = FIRST;
        for _ in 0..20 {
            let pause = backoff.draw();
            assert!(
                ceiling / 2 <= pause && pause <= ceiling,
                "{pause:?} of {ceiling:?}"
            );
            ceiling = (ceiling * 2).min(LONGEST);
        }
        assert_eq!(ceiling, LONGEST);
    }
}

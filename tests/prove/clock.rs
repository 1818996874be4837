//! One time for all processes of a machine: the wall clock where a process began, and from there the monotonic one.
//!
//! Guards that times of different processes, and of the server, can be compared: what the two clocks have drifted
//! apart by the end is measured, and a history in which it is more than [`SLACK`] proves nothing.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// How far, in µs, times of different processes may be off: to be granted in every comparison.
pub const SLACK: u64 = 1_000;

/// Readings to begin with; the one that took least time is the best.
const READINGS: usize = 50;

pub struct Clock {
    wall: u64,
    began: Instant,
}

impl Clock {
    pub fn start() -> Self {
        let read = || {
            let before = Instant::now();
            let wall = wall();
            (before.elapsed(), wall, before)
        };
        let readings = (0..READINGS).map(|_| read());
        let (_, wall, began) = readings.min_by_key(|r| r.0).expect("a reading");
        Clock { wall, began }
    }

    /// µs since 1970.
    pub fn now(&self) -> u64 {
        self.wall + self.began.elapsed().as_micros() as u64
    }

    /// How far the wall clock is from this one by now, in µs.
    pub fn drift(&self) -> u64 {
        self.now().abs_diff(wall())
    }
}

fn wall() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a time after 1970").as_micros() as u64
}

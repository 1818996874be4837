//! What has to have confirmed a write before the caller is told that it is done.
//!
//! Guards that nothing is asked for that every write would fulfil: no replica and no disk, or no time.

use std::fmt;
use std::time::Duration;

use redis::{Cmd, Value};

use crate::error::{Error, Result};

/// What has to have confirmed a write before it is acknowledged:
/// [`Store::with_durability`](crate::Store::with_durability) asks for it.
///
/// ```
/// use std::time::Duration;
/// use marconi_redis::Durability;
///
/// // In the memory of two replicas.
/// let replicated = Durability::replicas(2).within(Duration::from_millis(500));
/// // On this server's disk.
/// let on_disk = Durability::local_fsync();
/// // Both.
/// let both = replicated.and(on_disk);
/// # let _ = both;
/// ```
///
/// | asks for | server's command | a write that was acknowledged outlives |
/// | --- | --- | --- |
/// | [`replicas(n)`](Self::replicas) | `WAIT n` | the loss of the primary, where one of those n replicas takes its place |
/// | [`local_fsync()`](Self::local_fsync) | `WAITAOF 1 0` | a crash of the primary and of its machine, where its disk stays |
/// | [`replica_fsyncs(n)`](Self::replica_fsyncs) | `WAITAOF 0 n` | the loss of the primary and crashes of those n replicas at once |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durability {
    replicas: u32,
    replica_fsyncs: u32,
    local_fsync: bool,
    within: Duration,
}

/// One thing to ask the server for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    Replicas(u32),
    Fsyncs { local: bool, replicas: u32 },
}

impl Durability {
    const NONE: Durability = Durability {
        replicas: 0,
        replica_fsyncs: 0,
        local_fsync: false,
        within: Duration::from_secs(1),
    };

    /// So many replicas have it in memory: at least 1. With all replicas there are, whichever takes
    /// the primary's place has it; with fewer it depends on which one does. Sentinel and clusters
    /// take the one that got furthest, as far as they can see.
    pub fn replicas(n: u32) -> Self {
        Durability {
            replicas: n,
            ..Self::NONE
        }
    }

    /// The primary has it on disk: it has `appendonly yes`, and is Redis 7.2 or later, or Valkey.
    /// With `appendfsync everysec` that takes up to a second, with `always` no longer than the write.
    pub fn local_fsync() -> Self {
        Durability {
            local_fsync: true,
            ..Self::NONE
        }
    }

    /// So many replicas have it on disk: at least 1. They have `appendonly yes`; all are Redis 7.2 or
    /// later, or Valkey.
    pub fn replica_fsyncs(n: u32) -> Self {
        Durability {
            replica_fsyncs: n,
            ..Self::NONE
        }
    }

    /// What either asks for, within the longer of their times.
    pub fn and(self, other: Durability) -> Self {
        Durability {
            replicas: self.replicas.max(other.replicas),
            replica_fsyncs: self.replica_fsyncs.max(other.replica_fsyncs),
            local_fsync: self.local_fsync || other.local_fsync,
            within: self.within.max(other.within),
        }
    }

    /// How long to wait for it after the write: 1 s, unless set; at least 1 ms. What is left of the
    /// store's deadline rules where that is less.
    pub fn within(self, time: Duration) -> Self {
        Durability {
            within: time,
            ..self
        }
    }

    pub(crate) fn checked(self) -> Result<Self> {
        let wrong = |detail| Err(Error::invalid("durability", detail));
        if self.demands().next().is_none() {
            return wrong("wants at least 1 replica, or an fsync");
        }
        if self.within < Duration::from_millis(1) {
            return wrong("wants at least 1 ms to wait for");
        }
        Ok(self)
    }

    pub(crate) fn time(&self) -> Duration {
        self.within
    }

    /// What to ask for, in this order. A replica that has it on disk has it in memory.
    pub(crate) fn demands(&self) -> impl Iterator<Item = Demand> {
        let in_memory = self.replicas > self.replica_fsyncs;
        let on_disk = self.local_fsync || self.replica_fsyncs > 0;
        let fsyncs = Demand::Fsyncs {
            local: self.local_fsync,
            replicas: self.replica_fsyncs,
        };
        let memory = in_memory.then_some(Demand::Replicas(self.replicas));
        memory.into_iter().chain(on_disk.then_some(fsyncs))
    }

    /// What a server has to be able to do beyond WAIT.
    pub(crate) fn fsyncs(&self) -> Option<Demand> {
        let mut demands = self.demands();
        demands.find(|demand| matches!(demand, Demand::Fsyncs { .. }))
    }
}

impl Demand {
    /// The command that waits for it, for so long; never for ever, which is what 0 would be.
    pub(crate) fn command(self, time: Duration) -> Cmd {
        let ms = time.as_millis().clamp(1, 1 << 40) as u64;
        let mut cmd = redis::cmd(self.name());
        match self {
            Demand::Replicas(n) => cmd.arg(n),
            Demand::Fsyncs { local, replicas } => cmd.arg(u8::from(local)).arg(replicas),
        };
        cmd.arg(ms);
        cmd
    }

    fn name(self) -> &'static str {
        match self {
            Demand::Replicas(_) => "WAIT",
            Demand::Fsyncs { .. } => "WAITAOF",
        }
    }

    /// Whether this answer fulfils it; what is missing, where it does not.
    pub(crate) fn is_met(self, answer: &Value) -> Result<(), String> {
        let met = match (self, answer) {
            (Demand::Replicas(n), Value::Int(had)) => *had >= i64::from(n),
            (Demand::Fsyncs { local, replicas }, Value::Array(had)) => match had[..] {
                [Value::Int(here), Value::Int(there)] => {
                    here >= i64::from(local) && there >= i64::from(replicas)
                }
                _ => false,
            },
            _ => false,
        };
        if met {
            return Ok(());
        }
        Err(match (self, answer) {
            (_, Value::Int(had)) => format!("{had} of {self}"),
            (_, Value::Array(had)) if had.len() == 2 => {
                let number = |at: usize| match had[at] {
                    Value::Int(n) => n,
                    _ => 0,
                };
                let (here, there) = (number(0), number(1));
                format!("{here} here and {there} on replicas of {self}")
            }
            _ => format!("{} answered in a way of its own", self.name()),
        })
    }
}

/// "2 replicas", "an fsync here and by 1 replica".
impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let replicas = |n: &u32| match n {
            1 => "1 replica".to_owned(),
            n => format!("{n} replicas"),
        };
        match self {
            Demand::Replicas(n) => f.write_str(&replicas(n)),
            Demand::Fsyncs { local, replicas: 0 } if *local => f.write_str("an fsync here"),
            Demand::Fsyncs {
                local: true,
                replicas: n,
            } => {
                write!(f, "an fsync here and by {}", replicas(n))
            }
            Demand::Fsyncs { replicas: n, .. } => write!(f, "an fsync by {}", replicas(n)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(durability: Durability) -> Vec<String> {
        durability.demands().map(|d| d.to_string()).collect()
    }

    fn sent(demand: Demand, ms: u64) -> String {
        let packed = demand
            .command(Duration::from_millis(ms))
            .get_packed_command();
        String::from_utf8_lossy(&packed).replace("\r\n", " ")
    }

    #[test]
    fn a_replica_that_has_it_on_disk_has_it_in_memory() {
        let two = Durability::replicas(2);
        assert_eq!(shown(two), ["2 replicas"]);
        assert_eq!(
            shown(two.and(Durability::replica_fsyncs(2))),
            ["an fsync by 2 replicas"]
        );
        assert_eq!(
            shown(
                two.and(Durability::replica_fsyncs(1))
                    .and(Durability::local_fsync())
            ),
            ["2 replicas", "an fsync here and by 1 replica"]
        );
        assert_eq!(shown(Durability::local_fsync()), ["an fsync here"]);
    }

    #[test]
    fn what_every_write_would_fulfil_is_refused() {
        for nothing in [
            Durability::replicas(0),
            Durability::replica_fsyncs(0),
            Durability::replicas(1).within(Duration::ZERO),
            Durability::local_fsync().within(Duration::from_micros(999)),
        ] {
            assert_eq!(nothing.checked().unwrap_err().word(), "BADARG");
        }
    }

    #[test]
    fn the_longer_time_is_that_of_both() {
        let short = Durability::replicas(1).within(Duration::from_millis(5));
        let long = Durability::local_fsync().within(Duration::from_millis(7));
        assert_eq!(short.and(long).time(), Duration::from_millis(7));
        assert_eq!(short.and(long), long.and(short));
    }

    #[test]
    fn nobody_is_waited_for_without_an_end() {
        let wait = sent(Demand::Replicas(3), 0);
        assert_eq!(wait, "*3 $4 WAIT $1 3 $1 1 ");
        let fsyncs = Demand::Fsyncs {
            local: true,
            replicas: 0,
        };
        assert_eq!(sent(fsyncs, 250), "*4 $7 WAITAOF $1 1 $1 0 $3 250 ");
    }

    #[test]
    fn an_answer_that_falls_short_says_by_how_much() {
        let two = Demand::Replicas(2);
        assert_eq!(two.is_met(&Value::Int(2)), Ok(()));
        assert_eq!(two.is_met(&Value::Int(1)).unwrap_err(), "1 of 2 replicas");
        let both = Demand::Fsyncs {
            local: true,
            replicas: 1,
        };
        let had = |here, there| Value::Array(vec![Value::Int(here), Value::Int(there)]);
        assert_eq!(both.is_met(&had(1, 3)), Ok(()));
        for (here, there) in [(0, 3), (1, 0)] {
            let short = both.is_met(&had(here, there)).unwrap_err();
            assert!(
                short.starts_with(&format!("{here} here and {there} on replicas")),
                "{short}"
            );
        }
        for odd in [Value::Nil, Value::Array(Vec::new()), Value::Int(9)] {
            assert!(both.is_met(&odd).is_err(), "{odd:?}");
        }
    }
}

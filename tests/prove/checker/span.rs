//! When something happened, as far as anybody can tell.
//!
//! Guards that uncertainty is never forgotten: a moment is always between two bounds, and *before* means certainly so.

use crate::clock::SLACK;
use crate::history::{Micros, Op};

/// A moment between `lo` and `hi`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub lo: Micros,
    pub hi: Micros,
}

impl Span {
    pub fn of(op: &Op) -> Span {
        Span {
            lo: op.begun.saturating_sub(SLACK),
            hi: op.ended.saturating_add(SLACK),
        }
    }

    /// Of one ms of the server's clock.
    pub fn of_ms(ms: u64) -> Span {
        let lo = ms * 1000;
        Span { lo, hi: lo + 999 }
    }

    /// Both are true of the moment; `None` where they can't be.
    pub fn and(self, other: Span) -> Option<Span> {
        let both = Span {
            lo: self.lo.max(other.lo),
            hi: self.hi.min(other.hi),
        };
        (both.lo <= both.hi).then_some(both)
    }

    pub fn is_before(self, other: Span) -> bool {
        self.hi < other.lo
    }
}

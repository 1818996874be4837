//! The waiters of one queue in this process.
//!
//! Guards that there is always one who looks, where there may be something: a call is for one waiter;
//! who finds something, fails, or goes away before the answer, passes it on to the next. So a call costs
//! two looks at most, however many wait, and an empty look tells when to look next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};

use super::hall::Hall;
use crate::error::Cause;

/// Whether somebody listens for a room.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Standing {
    /// Not yet, or not at the moment.
    Unheard,
    Heard,
    /// The server does not allow it.
    Refused(Cause),
}

pub(super) struct Room {
    standing: watch::Sender<Standing>,
    /// One permit is one look that is owed.
    call: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiters: usize,
    /// Up to when the most patient one waits.
    longest: Option<Instant>,
    /// When something comes by itself, as far as is known.
    next: Option<Instant>,
    /// What the queue's clock said, and when.
    clock: Option<(u64, Instant)>,
    /// Something may have been published that nobody heard.
    has_missed: bool,
    /// Since when nobody waits.
    empty_since: Option<Instant>,
}

impl Default for Room {
    fn default() -> Self {
        Room {
            standing: watch::Sender::new(Standing::Unheard),
            call: Notify::new(),
            state: Mutex::default(),
        }
    }
}

impl Room {
    /// Somebody listens from now on. Where somebody did before, what was published meanwhile was not
    /// heard: one of those who wait since then looks again.
    pub(super) fn hear(&self) {
        self.standing.send_replace(Standing::Heard);
        if std::mem::take(&mut self.state().has_missed) {
            self.call_one();
        }
    }

    /// Nobody listens any more.
    pub(super) fn lose(&self) {
        let before = self.standing.send_replace(Standing::Unheard);
        self.state().has_missed |= before == Standing::Heard;
    }

    pub(super) fn refuse(&self, cause: Cause) {
        self.standing.send_replace(Standing::Refused(cause));
    }

    pub(super) fn is_refused(&self) -> bool {
        matches!(*self.standing.borrow(), Standing::Refused(_))
    }

    /// What was published: 0, or the ms by the queue's clock from which on there is something.
    pub(super) fn publish(&self, at: u64) {
        let mut state = self.state();
        let when = state
            .clock
            .and_then(|(ms, then)| then.checked_add(Duration::from_millis(at.checked_sub(ms)?)));
        match when.filter(|when| *when > Instant::now()) {
            Some(when) => state.expect(when),
            None => {
                drop(state);
                self.call_one();
            }
        }
    }

    /// When somebody has to look because something comes by itself.
    pub(super) fn next(&self) -> Option<Instant> {
        let state = self.state();
        state.next.filter(|_| state.waiters > 0)
    }

    /// Calls one where that time has come.
    pub(super) fn call_if_due(&self, now: Instant) {
        let mut state = self.state();
        if state.next.is_some_and(|next| next <= now) {
            state.next = None;
            drop(state);
            self.call_one();
        }
    }

    /// Whether nobody has waited here for that long.
    pub(super) fn is_deserted(&self, since: Instant) -> bool {
        self.state().empty_since.is_some_and(|empty| empty <= since)
    }

    fn call_one(&self) {
        if self.state().waiters > 0 {
            self.call.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn expect(&mut self, when: Instant) {
        self.next = Some(self.next.map_or(when, |next| next.min(when)));
    }
}

/// One waiter's place in a room.
pub(crate) struct Seat {
    room: Arc<Room>,
    hall: Arc<Hall>,
}

impl Seat {
    pub(super) fn take(room: Arc<Room>, hall: Arc<Hall>, until: Instant) -> Self {
        let mut state = room.state();
        state.waiters += 1;
        state.longest = state.longest.max(Some(until));
        state.empty_since = None;
        drop(state);
        Seat { room, hall }
    }

    /// Whether what is published now will be heard.
    pub(crate) fn is_heard(&self) -> bool {
        *self.room.standing.borrow() == Standing::Heard
    }

    /// Waits until it is; `Ok(false)` where it is not by then.
    pub(crate) async fn heard(&self, until: Instant) -> Result<bool, Cause> {
        let mut standing = self.room.standing.subscribe();
        let settled = standing.wait_for(|standing| *standing != Standing::Unheard);
        match timeout_at(until, settled).await {
            Ok(Ok(standing)) => match &*standing {
                Standing::Refused(cause) => Err(cause.clone()),
                _ => Ok(true),
            },
            _ => Ok(false),
        }
    }

    /// Begins a look at the queue, on behalf of all in the room.
    pub(crate) fn look(&self) -> Look<'_> {
        // What is known of the future is from before; what comes from now on, this look may miss.
        self.room.state().next = None;
        Look(Some(self))
    }

    /// How long the most patient in the room is going to wait.
    pub(crate) fn longest(&self) -> Duration {
        let longest = self.room.state().longest;
        longest.map_or(Duration::ZERO, |until| {
            until.saturating_duration_since(Instant::now())
        })
    }

    /// Ready when it is this waiter's turn to look.
    pub(crate) async fn called(&self) {
        self.room.call.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.room.state();
        state.waiters -= 1;
        if state.waiters == 0 {
            state.longest = None;
            state.empty_since = Some(Instant::now());
        }
    }
}

/// A look that is under way. Unless it ends with [`nothing`](Look::nothing), somebody else looks after it.
#[must_use = "a look that is dropped is passed on"]
pub(crate) struct Look<'a>(Option<&'a Seat>);

impl Look<'_> {
    /// There was nothing at `now`, and will be nothing before `at` but for what is published; both in
    /// ms by the queue's clock, 0 for never.
    pub(crate) fn nothing(mut self, now: u64, at: u64) {
        let Some(Seat { room, hall }) = self.0.take() else {
            return;
        };
        let answered = Instant::now();
        let mut state = room.state();
        state.clock = Some((now, answered));
        let wait = Duration::from_millis(at.saturating_sub(now));
        if let Some(when) = answered.checked_add(wait).filter(|_| at > 0) {
            state.expect(when);
            hall.changed.notify_one();
        }
    }
}

impl Drop for Look<'_> {
    fn drop(&mut self) {
        if let Some(seat) = self.0 {
            seat.room.call_one();
        }
    }
}

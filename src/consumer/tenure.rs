//! One live claim of a consumer, and the task that renews it.
//!
//! Guards that this program never believes longer in a claim than the server does: its time is
//! counted from the instant at which the claim or its renewal was sent, and when it is over without
//! an answer the claim counts as lost, whatever the server may say later.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::backoff::{Backoff, spread};
use super::event::Event;
use super::share::Share;
use super::shared::Shared;
use crate::claim::{Claim, ClaimId, Lease};
use crate::error::{Error, Result};

pub(super) struct Tenure {
    pub(super) shared: Arc<Shared>,
    pub(super) id: ClaimId,
    pub(super) fence: u64,
    /// Fires when the claim is lost.
    pub(super) token: CancellationToken,
    /// Where shares go that nobody settles.
    pub(super) returns: mpsc::UnboundedSender<Share>,
    /// Wakes whoever holds shares that are not started, when some claim is lost.
    losses: Arc<Notify>,
    state: Mutex<State>,
    finished: Notify,
}

struct State {
    /// When its current time began, and when it is over.
    sent: Instant,
    deadline: Instant,
    /// Messages that are not finished, those that are just being settled counted.
    open: usize,
    settling: usize,
    is_lost: bool,
}

impl Tenure {
    /// Of a claim, whose time began at the earliest when it was sent.
    pub(super) fn new(
        shared: &Arc<Shared>,
        claim: &Claim,
        (sent, lease): (Instant, Lease),
        returns: mpsc::UnboundedSender<Share>,
        losses: &Arc<Notify>,
    ) -> Arc<Self> {
        let state = State {
            sent,
            deadline: sent + lease.left(),
            open: claim.messages().len(),
            settling: 0,
            is_lost: false,
        };
        Arc::new(Tenure {
            shared: Arc::clone(shared),
            id: claim.id(),
            fence: claim.fence(),
            token: CancellationToken::new(),
            returns,
            losses: Arc::clone(losses),
            state: Mutex::new(state),
            finished: Notify::new(),
        })
    }

    pub(super) fn is_live(&self) -> bool {
        let state = self.state();
        !state.is_lost && Instant::now() < state.deadline
    }

    pub(super) fn is_lost(&self) -> bool {
        self.state().is_lost
    }

    pub(super) fn deadline(&self) -> Instant {
        self.state().deadline
    }

    pub(super) fn open(&self) -> usize {
        self.state().open
    }

    pub(super) fn begin_settling(&self) {
        self.state().settling += 1;
    }

    /// One message is finished, one way or another.
    pub(super) fn leave(&self, was_settling: bool) {
        let mut state = self.state();
        state.open = state.open.saturating_sub(1);
        state.settling = state.settling.saturating_sub(usize::from(was_settling));
        if state.open == 0 {
            self.finished.notify_one();
        }
    }

    /// What is said of a message whose claim is gone.
    pub(super) fn gone(&self) -> Error {
        Error::ClaimDoesNotExist {
            queue: self.shared.queue.path().clone(),
            id: self.id.to_string(),
        }
    }

    /// Renews the claim at half of its time, until all its messages are finished or it is lost.
    pub(super) async fn keep(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.finished() => return,
                () = sleep_until(self.due()) => {}
            }
            let goes_on = tokio::select! {
                () = self.finished() => return,
                goes_on = self.renew() => goes_on,
            };
            if !goes_on {
                return;
            }
        }
    }

    async fn finished(&self) {
        while self.state().open > 0 {
            self.finished.notified().await;
        }
    }

    /// Half of its time; a little before, so that consumers that began together come apart.
    fn due(&self) -> Instant {
        let state = self.state();
        let half = state.deadline.saturating_duration_since(state.sent) / 2;
        state.sent + spread(half, 0.1)
    }

    /// Tries while there is time. Answers whether the claim goes on.
    async fn renew(&self) -> bool {
        let backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        for tries in 1.. {
            let (sent, deadline) = (Instant::now(), self.deadline());
            if sent >= deadline {
                break;
            }
            match timeout_at(deadline, self.ask(deadline - sent)).await {
                Err(_) => break,
                Ok(Ok(lease)) => {
                    let mut state = self.state();
                    (state.sent, state.deadline) = (sent, sent + lease.left());
                    drop(state);
                    self.shared.watch.tell(Event::Renewed { claim: self.id });
                    return true;
                }
                Ok(Err(Error::ClaimDoesNotExist { .. })) => {
                    // The deletion of its last message ends a claim, and its answer may be on the
                    // way still. Then nobody works on it, and nothing is lost.
                    if !self.is_being_finished() {
                        self.lose();
                    }
                    return false;
                }
                Ok(Err(error)) => {
                    let pause = backoff.delay(tries);
                    self.shared.trouble("renew", error, Some(pause));
                    sleep(pause.min(deadline.saturating_duration_since(Instant::now()))).await;
                }
            }
        }
        self.lose();
        false
    }

    /// One renewal, which may take all the time that is left and no more.
    async fn ask(&self, left: Duration) -> Result<Lease> {
        let (queue, terms) = (&self.shared.queue, &self.shared.terms);
        let store = queue.store();
        let store = store.with_deadline(store.deadline().min(left));
        let queue = store.queue_at(queue.path().clone());
        queue.renew(self.id, terms.ttl, terms.grace).await
    }

    fn is_being_finished(&self) -> bool {
        let state = self.state();
        state.open == state.settling
    }

    fn lose(&self) {
        let messages = {
            let mut state = self.state();
            state.is_lost = true;
            state.open
        };
        self.token.cancel();
        self.losses.notify_one();
        let claim = self.id;
        self.shared.watch.tell(Event::ClaimLost { claim, messages });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Calls that can answer MORE: housekeeping first, then the call again, in one round trip.
//!
//! Guards that no caller ever sees MORE, and that none starves: when half of their time is gone claim
//! and pop are told to take what is at hand. Until then they keep to the order.

use std::sync::atomic::Ordering;

use redis::Value;

use super::Queue;
use crate::claim::ClaimId;
use crate::error::{Cause, Error, Outcome, Result};
use crate::link::{Backoff, Call, Reply};
use crate::operation::{Account, Operation, no_reply, not_begun, value};
use crate::reply::Fields;
use crate::script::SWEEP;

/// Sweeps in one round trip, at most. Each takes a few ms of the server's time, and others' calls
/// come between.
const MOST_SWEEPS: usize = 16;

/// What the sweeps of one round trip said.
#[derive(Default)]
struct Swept {
    has_more: bool,
    letters: u64,
    has_failed: bool,
}

impl Queue {
    /// Makes a call that may answer MORE until it answers something else. `make` gets whether to
    /// force it; `claim` is the claim that the call is about, which is ended first if it has lapsed.
    ///
    /// Sweeps double from round to round. Where the last call on this handle had to be repeated, one
    /// goes ahead of this call, so that a queue where much lapses costs one round trip, not two. What
    /// was lost of them is made again, after a pause: a line that breaks is not dialled again and again.
    pub(crate) async fn swept(
        &self,
        of: &Operation,
        claim: Option<&ClaimId>,
        make: impl Fn(bool) -> Call + Send,
    ) -> Result<Value> {
        let behind = &self.inner.behind;
        let mut sweeps = usize::from(behind.load(Ordering::Relaxed));
        let (mut rounds, mut backoff) = (0, Backoff::new());
        let (mut letters_wait, mut may_be_done) = (false, false);
        let result = loop {
            let mut calls: Vec<_> = (0..sweeps).map(|_| self.sweep(of, claim)).collect();
            calls.push(make(of.is_out_of_patience()));
            let mut replies = of.calls(&calls).await;
            let reply = replies.pop().unwrap_or_else(|| Err(no_reply()));
            let mut account = Account::default();
            let swept = Swept::read(replies, &mut account);
            // What a lost one has buried is counted by the next.
            letters_wait |= swept.letters > 0;
            match reply {
                Ok(Reply::More { after_loss }) => may_be_done |= after_loss,
                done => {
                    behind.store(rounds > 0 || swept.has_more, Ordering::Relaxed);
                    break done.and_then(value);
                }
            }
            match account.close(()) {
                Err(lost) if lost.is_of_the_line() && backoff.pause(of.until()).await => {}
                Err(error) => break Err(not_begun(error)),
                Ok(()) if of.has_time() => {}
                Ok(()) => break Err(self.out_of_time()),
            }
            sweeps = (sweeps * 2).clamp(1, MOST_SWEEPS);
            rounds += 1;
        };
        if letters_wait {
            self.carry_what_waits(of).await;
        }
        result.map_err(|error| match may_be_done {
            true => error.with_outcome(Outcome::Unknown),
            false => error,
        })
    }

    /// Does what housekeeping is due, as far as the deadline allows: frees the memory of what has
    /// expired, ends what has lapsed, carries dead letters. Answers whether all is done.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// while !queue.gc().await? {}
    /// # Ok(()) }
    /// ```
    ///
    /// Operations do so as far as it is in their way, so no answer depends on it.
    /// [`Store::gc`](crate::Store::gc) is for all queues of a project.
    ///
    /// # Dropping the future
    /// Leaves the rest to the next one.
    ///
    /// # Errors
    /// None of its own; see [`Queue`](Queue#errors).
    pub async fn gc(&self) -> Result<bool> {
        let mut account = Account::default();
        let is_done = self.collect(&mut account).await;
        account.close(is_done)
    }

    /// The same, as a part of something larger.
    pub(crate) async fn collect(&self, account: &mut Account) -> bool {
        let of = Operation::begin(self.store());
        let mut sweeps = 1;
        loop {
            let calls: Vec<_> = (0..sweeps).map(|_| self.sweep(&of, None)).collect();
            let swept = Swept::read(of.calls(&calls).await, account);
            if swept.letters > 0 {
                self.carry_what_waits(&of).await;
            }
            if swept.has_failed || !swept.has_more || of.is_out_of_patience() {
                return !swept.has_more;
            }
            sweeps = (sweeps * 2).min(MOST_SWEEPS);
        }
    }

    fn sweep(&self, of: &Operation, claim: Option<&ClaimId>) -> Call {
        let claim = claim.map_or("", ClaimId::as_str);
        let call = of.timed(&SWEEP, self.keys()).arg(claim).arg("");
        // Whoever takes over from a server that is lost finds the same to be swept.
        call.unconfirmed()
    }

    fn out_of_time(&self) -> Error {
        Error::Transport {
            queue: Some(self.path().clone()),
            outcome: Outcome::NotDone,
            source: Cause::text("more waits to be swept than the deadline allows for"),
        }
    }
}

impl Swept {
    fn read(replies: Vec<Result<Reply>>, account: &mut Account) -> Self {
        let mut swept = Swept::default();
        for reply in replies {
            let swept_one = reply.and_then(value).and_then(Self::fields);
            match account.step(swept_one) {
                Some((has_more, letters)) => (swept.has_more, swept.letters) = (has_more, letters),
                None => swept.has_failed = true,
            }
        }
        swept
    }

    fn fields(reply: Value) -> Result<(bool, u64)> {
        let mut fields = Fields::of(reply)?;
        Ok((fields.number()? == 1, fields.number()?))
    }
}

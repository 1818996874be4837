//! One message of a claim, from its claiming to its end.
//!
//! Guards that each message comes to one end: whoever drops what it holds unsettled hands it to the
//! pump, which gives it back.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::backoff::Backoff;
use super::event::{Event, Failure};
use super::tenure::Tenure;
use crate::error::{Error, Outcome, Result};
use crate::message::{Message, MessageId};

/// The part of a claim that is one message. While there is one, the claim is renewed.
pub(super) struct Share {
    pub(super) tenure: Arc<Tenure>,
    pub(super) message: MessageId,
    claims: u64,
    /// No earlier than this, by this machine's clock.
    expires: Instant,
    started: Option<Instant>,
    is_settling: bool,
}

/// How a message ends, under the claim that holds it.
pub(super) enum End {
    Done,
    Failed(Failure),
    HandedBack { delay: Duration, untried: bool },
}

/// What is known of an operation from its tries.
#[derive(Default)]
struct Tries {
    failed: u64,
    may_be_done: bool,
}

impl Share {
    pub(super) fn new(tenure: &Arc<Tenure>, message: &Message, sent: Instant) -> Self {
        // A claim takes no message that expires earlier than it does.
        let left = message.ttl().saturating_sub(message.age());
        Share {
            tenure: Arc::clone(tenure),
            message: message.id(),
            claims: message.claims(),
            expires: sent + left,
            started: None,
            is_settling: false,
        }
    }

    /// Begins with it; `false` where its claim is gone, and then it is not to be begun.
    pub(super) fn start(&mut self) -> bool {
        let is_live = self.tenure.is_live();
        if is_live {
            self.started = Some(Instant::now());
        }
        is_live
    }

    pub(super) fn is_started(&self) -> bool {
        self.started.is_some()
    }

    /// Ends it, and tells of it. Answers how long it stays unseen, where it comes again.
    ///
    /// What fails on the way is repeated while the claim lives; then the message is lost.
    pub(super) async fn settle(&mut self, end: End) -> Result<Duration> {
        self.begin_settling();
        let retry_in = match &end {
            End::Done => Duration::ZERO,
            End::Failed(_) => self.soon_enough(self.backoff().delay(self.claims)),
            End::HandedBack { delay, .. } => *delay,
        };
        let settled = match &end {
            End::Done => self.delete().await.map(|()| retry_in),
            End::Failed(_) => self.nack(retry_in, false).await,
            End::HandedBack { untried, .. } => self.nack(retry_in, *untried).await,
        };
        match settled {
            Ok(retry_in) => {
                self.tell_of(end, retry_in);
                Ok(retry_in)
            }
            Err(error) => {
                self.tell_lost();
                Err(error)
            }
        }
    }

    fn begin_settling(&mut self) {
        if !std::mem::replace(&mut self.is_settling, true) {
            self.tenure.begin_settling();
        }
    }

    fn tell_of(&self, end: End, retry_in: Duration) {
        let (message, claims) = (self.message, self.claims);
        let took = || self.started.map_or(Duration::ZERO, |at| at.elapsed());
        self.tenure.shared.watch.tell(match end {
            End::Done => Event::Handled {
                message,
                claims,
                took: took(),
            },
            End::Failed(failure) => Event::Failed {
                message,
                claims,
                failure,
                retry_in,
            },
            End::HandedBack { untried, .. } => Event::HandedBack { message, untried },
        });
    }

    pub(super) fn tell_lost(&self) {
        self.tenure.shared.watch.tell(Event::Lost {
            message: self.message,
            claim: self.tenure.id,
            started: self.is_started(),
        });
    }

    fn backoff(&self) -> Backoff {
        self.tenure.shared.terms.backoff
    }

    /// A message that would expire unseen is as good as deleted: it comes again in the first half
    /// of the time that it has left.
    fn soon_enough(&self, delay: Duration) -> Duration {
        let until = self.expires.max(self.tenure.deadline());
        delay.min(until.saturating_duration_since(Instant::now()) / 2)
    }

    async fn delete(&self) -> Result<()> {
        let tenure = &self.tenure;
        let (queue, mut tries) = (&tenure.shared.queue, Tries::default());
        loop {
            let delete = queue.delete_many([self.message]).claim(tenure.id);
            match self.attempt("delete", delete, &mut tries).await? {
                // Nothing to delete, and our claim is gone: somebody else was done with it first.
                Some(Ok(0)) if tenure.is_lost() => return Err(tenure.gone()),
                Some(Ok(_)) => return Ok(()),
                Some(Err(error)) => return Err(error),
                None => {}
            }
        }
    }

    /// Answers the delay that it was given back with.
    async fn nack(&self, mut delay: Duration, untried: bool) -> Result<Duration> {
        let tenure = &self.tenure;
        let (queue, mut tries) = (&tenure.shared.queue, Tries::default());
        loop {
            let nack = queue.nack(tenure.id, [self.message]);
            let nack = nack.delay(delay).untried(untried);
            match self.attempt("nack", nack, &mut tries).await? {
                Some(Ok(_)) => return Ok(delay),
                // A refusal after a lost answer is what the first try is refused for.
                Some(Err(error)) if tries.may_be_done && is_no_longer_ours(&error) => {
                    return Ok(delay);
                }
                Some(Err(Error::InvalidArgument { .. })) if !delay.is_zero() => {
                    delay = Duration::ZERO;
                }
                Some(Err(error)) => return Err(error),
                None => {}
            }
        }
    }

    /// One try, within the time of the claim. `None` where it is to be repeated, after a pause;
    /// `Err` where there is no time for it.
    async fn attempt<C>(
        &self,
        operation: &'static str,
        call: C,
        tries: &mut Tries,
    ) -> Result<Option<Result<u64>>>
    where
        C: IntoFuture<Output = Result<u64>>,
    {
        let (tenure, shared) = (&self.tenure, &self.tenure.shared);
        if !tenure.is_live() {
            return Err(tenure.gone());
        }
        let error = match timeout_at(tenure.deadline(), call.into_future()).await {
            Ok(Err(
                error @ (Error::Transport { .. }
                | Error::Unconfirmed { .. }
                | Error::Corrupt { .. }),
            )) => error,
            Ok(answer) => return Ok(Some(answer)),
            // The deadline that was; a renewal may have moved it meanwhile.
            Err(_) => {
                tries.may_be_done = true;
                return Ok(None);
            }
        };
        tries.failed += 1;
        tries.may_be_done |= error.outcome() != Outcome::NotDone;
        if shared.hurry.is_cancelled() {
            shared.trouble(operation, error, None);
            return Err(tenure.gone());
        }
        let backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        let pause = backoff.delay(tries.failed);
        shared.trouble(operation, error, Some(pause));
        tokio::select! {
            () = sleep(pause) => {}
            () = shared.hurry.cancelled() => {}
        }
        Ok(None)
    }
}

/// Gives messages of one claim back that nobody has begun with, in one call where that can be.
pub(super) async fn hand_back_untried(mut shares: Vec<Share>) {
    let Some(tenure) = shares.first().map(|share| Arc::clone(&share.tenure)) else {
        return;
    };
    let (queue, ids) = (
        &tenure.shared.queue,
        shares.iter().map(|share| share.message),
    );
    // What is being worked on keeps its claim.
    let given_back = if tenure.open() == shares.len() {
        shares.iter_mut().for_each(Share::begin_settling);
        queue.release(tenure.id).untried(true).await
    } else {
        let nack = queue.nack(tenure.id, ids).untried(true);
        shares.iter_mut().for_each(Share::begin_settling);
        nack.await
    };
    let (delay, untried) = (Duration::ZERO, true);
    for mut share in shares {
        if given_back.is_ok() && tenure.is_live() {
            share.tell_of(End::HandedBack { delay, untried }, delay);
        } else {
            // One by one what the whole was refused for shows, and is told of.
            let _ = share.settle(End::HandedBack { delay, untried }).await;
        }
    }
}

/// The four refusals of a message that a claim doesn't hold any more.
fn is_no_longer_ours(error: &Error) -> bool {
    matches!(
        error,
        Error::ClaimDoesNotExist { .. }
            | Error::MessageDoesNotExist { .. }
            | Error::MessageNotClaimed { .. }
            | Error::MessageNotClaimedBy { .. }
    )
}

impl Drop for Share {
    fn drop(&mut self) {
        self.tenure.leave(self.is_settling);
    }
}

/// A share in somebody's hands. Dropped unsettled, it goes to the pump.
pub(super) struct Stake(Option<Share>);

impl Stake {
    pub(super) fn new(share: Share) -> Self {
        Stake(Some(share))
    }

    pub(super) fn share(&self) -> Option<&Share> {
        self.0.as_ref()
    }

    /// As [`Share::start`]; what is not to be begun is told of as lost.
    pub(super) fn start(&mut self) -> bool {
        let is_started = self.0.as_mut().is_some_and(Share::start);
        if !is_started && let Some(share) = self.0.take() {
            share.tell_lost();
        }
        is_started
    }

    /// As [`Share::settle`]. Dropped midway, the message is given back as if it had been dropped.
    pub(super) async fn settle(mut self, end: End) -> Result<Duration> {
        let Some(share) = &mut self.0 else {
            return Ok(Duration::ZERO);
        };
        let settled = share.settle(end).await;
        self.0 = None;
        settled
    }

    pub(super) fn into_share(mut self) -> Option<Share> {
        self.0.take()
    }
}

impl Drop for Stake {
    fn drop(&mut self) {
        if let Some(share) = self.0.take() {
            let returns = share.tenure.returns.clone();
            // Where the pump is gone the share is dropped, and the claim lapses.
            let _ = returns.send(share);
        }
    }
}

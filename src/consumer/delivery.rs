//! A message in the hands of a program.
//!
//! Guards that it is settled once: by its handler, by what the handler returns, or where it is
//! dropped.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use super::event::Failure;
use super::share::{End, Stake};
use super::tenure::Tenure;
use crate::claim::ClaimId;
use crate::error::Result;
use crate::message::{Message, MessageId};

/// A message under a claim that is renewed while it is in your hands.
///
/// In [`run`](crate::Consumer::run), what the handler returns settles it. In a
/// [`stream`](crate::Consumer::stream) call one of [`done`](Self::done), [`failed`](Self::failed),
/// [`nack`](Self::nack) and [`hand_back`](Self::hand_back); **dropped unsettled, it is given back**
/// as tried and without a delay. A handler may settle it too, and then what it returns says nothing
/// any more.
///
/// ```no_run
/// # async fn example(delivery: marconi_redis::Delivery) -> marconi_redis::Result<()> {
/// let order: String = delivery.body()?;
/// println!("{order}, fence {}", delivery.fence());
/// delivery.done().await?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// Those four repeat what fails in transport for as long as the claim lives. After that, and where
/// the server refuses, the message is lost: it comes again.
/// [`ClaimDoesNotExist`](crate::Error::ClaimDoesNotExist) says so, or one of the other refusals of
/// [`Delete`](crate::Delete).
///
/// # Dropping the future
/// Of those four: the message is settled, or given back as if the delivery had been dropped.
pub struct Delivery {
    message: Message,
    tenure: Arc<Tenure>,
    token: CancellationToken,
    stake: Slot,
}

/// Where a handler and its worker share what is to be settled.
pub(super) type Slot = Arc<Mutex<Option<Stake>>>;

impl Delivery {
    /// Begins with a message; `None` where its claim is gone.
    pub(super) fn start(message: Message, mut stake: Stake) -> Option<Self> {
        if !stake.start() {
            return None;
        }
        let tenure = Arc::clone(&stake.share()?.tenure);
        Some(Delivery {
            message,
            token: tenure.token.child_token(),
            tenure,
            stake: Arc::new(Mutex::new(Some(stake))),
        })
    }

    pub(super) fn slot(&self) -> Slot {
        Arc::clone(&self.stake)
    }

    /// The message.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// The message's id.
    pub fn id(&self) -> MessageId {
        self.message.id()
    }

    /// Its body, in the type asked for: see [`Message::body`].
    ///
    /// # Errors
    /// [`Codec`](crate::Error::Codec) where it was posted as another type,
    /// [`Corrupt`](crate::Error::Corrupt) where something else wrote it.
    pub fn body<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        self.message.body()
    }

    /// The claim that holds it. Leave the claim itself to the consumer: other messages are under it.
    pub fn claim(&self) -> ClaimId {
        self.tenure.id
    }

    /// The claim's number: let a store that you write to refuse a smaller one. See
    /// [`Claim::fence`](crate::Claim::fence).
    pub fn fence(&self) -> u64 {
        self.tenure.fence
    }

    /// Ready when work on it should stop: its claim is lost, its time is up, or the consumer's drain
    /// is over.
    ///
    /// In the last two cases the handler's task is aborted then, at its next `.await`. A claim that
    /// is lost aborts nothing: another worker may have the message by now, so stop before the next
    /// write that no fence guards.
    ///
    /// ```no_run
    /// # async fn example(delivery: marconi_redis::Delivery) -> Result<(), String> {
    /// # async fn work(_: &marconi_redis::Delivery) {}
    /// tokio::select! {
    ///     () = work(&delivery) => Ok(()),
    ///     () = delivery.cancelled() => Err("stopped".to_owned()),
    /// }
    /// # }
    /// ```
    pub fn cancelled(&self) -> WaitForCancellationFuture<'_> {
        self.token.cancelled()
    }

    /// What [`cancelled`](Self::cancelled) waits for, as a token to be handed on.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// The work is done: deletes the message.
    pub async fn done(self) -> Result<()> {
        self.settle(End::Done).await.map(drop)
    }

    /// The work failed: gives the message back with the consumer's
    /// [back-off](crate::Consumer::backoff), and answers how long it stays unseen. The error goes
    /// into the event.
    pub async fn failed(
        self,
        error: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Result<Duration> {
        let failure = Failure::of(error.into().as_ref());
        self.settle(End::Failed(failure)).await
    }

    /// Gives it back, to be claimed again after this delay. It counts as tried.
    ///
    /// Where the delay is not less than what is left of the message's ttl, it is given back without.
    pub async fn nack(self, delay: Duration) -> Result<()> {
        let untried = false;
        self.settle(End::HandedBack { delay, untried })
            .await
            .map(drop)
    }

    /// Gives it back with its try: this claim of it doesn't count.
    pub async fn hand_back(self) -> Result<()> {
        let (delay, untried) = (Duration::ZERO, true);
        self.settle(End::HandedBack { delay, untried })
            .await
            .map(drop)
    }

    async fn settle(self, end: End) -> Result<Duration> {
        match take(&self.stake) {
            Some(stake) => stake.settle(end).await,
            // Its worker has given it up already: the handler was aborted.
            None => Err(self.tenure.gone()),
        }
    }
}

pub(super) fn take(slot: &Slot) -> Option<Stake> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Without the body, which belongs in no log.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("message", &self.message)
            .field("claim", &self.claim())
            .field("fence", &self.fence())
            .finish_non_exhaustive()
    }
}

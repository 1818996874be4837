//! Claims ahead of those who work, and gives back what nobody works on.
//!
//! Guards the bounds: no more is claimed than the consumer was told, one claim at a time, and what
//! was claimed is handed out while its claim lives or not at all.

use std::collections::VecDeque;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Until;
use super::backoff::Backoff;
use super::claiming::{self, Claimed};
use super::event::Event;
use super::share::{End, Share, Stake, hand_back_untried};
use super::shared::Shared;
use super::tenure::Tenure;
use crate::claim::ClaimId;
use crate::error::Result;
use crate::message::Message;

/// A message that is claimed and not started.
pub(super) struct Fresh {
    pub(super) message: Message,
    pub(super) stake: Stake,
}

type Claiming = Pin<Box<dyn Future<Output = Result<Option<Claimed>>> + Send>>;
type Ask = oneshot::Sender<Fresh>;

/// Where messages are asked for. When the last one is dropped, the pump stops.
#[derive(Clone)]
pub(super) struct Intake(mpsc::UnboundedSender<Ask>);

impl Intake {
    /// A message, when there is one; an error when there will be none any more.
    pub(super) fn ask(&self) -> oneshot::Receiver<Fresh> {
        let (ask, answer) = oneshot::channel();
        // Where the pump has stopped, dropping the asker is the answer.
        let _ = self.0.send(ask);
        answer
    }
}

pub(super) struct Pump {
    shared: Arc<Shared>,
    until: Until,
    asks: mpsc::UnboundedReceiver<Ask>,
    waiting: VecDeque<Ask>,
    buffer: VecDeque<Fresh>,
    /// Of the bodies in the buffer.
    bytes: usize,
    returns: mpsc::UnboundedSender<Share>,
    returned: mpsc::UnboundedReceiver<Share>,
    losses: Arc<Notify>,
    giving_back: JoinSet<()>,
    /// Of the next claim. One that failed is asked for by its id again, for it may have been made.
    id: ClaimId,
    failures: u64,
    /// Before the next claim.
    pause: Duration,
}

impl Pump {
    pub(super) fn new(shared: &Arc<Shared>, until: Until) -> (Pump, Intake) {
        let (intake, asks) = mpsc::unbounded_channel();
        let (returns, returned) = mpsc::unbounded_channel();
        let pump = Pump {
            shared: Arc::clone(shared),
            until,
            asks,
            waiting: VecDeque::new(),
            buffer: VecDeque::new(),
            bytes: 0,
            returns,
            returned,
            losses: Arc::default(),
            giving_back: JoinSet::new(),
            id: ClaimId::random(),
            failures: 0,
            pause: Duration::ZERO,
        };
        (pump, Intake(intake))
    }

    /// Runs until it is told to stop, then until everything that was claimed is settled.
    pub(super) async fn run(mut self) {
        let mut claiming = None;
        self.fill(&mut claiming).await;
        self.shared.stop.cancel();
        // Its answer is not waited for, for it may be waiting itself.
        let unanswered = (claiming.is_some() || self.failures > 0).then_some(self.id);
        drop(claiming);
        self.empty(unanswered).await;
    }

    async fn fill(&mut self, claiming: &mut Option<Claiming>) {
        loop {
            self.serve();
            if claiming.is_none() {
                *claiming = self.claim();
            }
            tokio::select! {
                () = self.shared.stop.cancelled() => return,
                () = &mut self.until => return,
                ask = self.asks.recv() => match ask {
                    Some(ask) => self.waiting.push_back(ask),
                    None => return,
                },
                answer = answer_of(claiming) => {
                    *claiming = None;
                    if !self.take(answer) {
                        return;
                    }
                }
                Some(share) = self.returned.recv() => {
                    self.giving_back.spawn(give_back(share));
                }
                () = self.losses.notified() => self.drop_lost(),
                Some(_) = self.giving_back.join_next(), if !self.giving_back.is_empty() => {}
            }
        }
    }

    /// Hands out what there is to those who wait.
    fn serve(&mut self) {
        self.waiting.retain(|ask| !ask.is_closed());
        while !self.waiting.is_empty() {
            let Some(fresh) = self.buffer.pop_front() else {
                return;
            };
            self.bytes -= size(&fresh);
            if let Some(ask) = self.waiting.pop_front()
                && let Err(fresh) = ask.send(fresh)
            {
                self.bytes += size(&fresh);
                self.buffer.push_front(fresh);
            }
        }
    }

    /// The next claim, if it is time for one.
    fn claim(&self) -> Option<Claiming> {
        let limit = self.room();
        let (shared, id, pause) = (Arc::clone(&self.shared), self.id, self.pause);
        (limit > 0).then(|| {
            Box::pin(async move {
                if !pause.is_zero() {
                    sleep(pause).await;
                }
                claiming::claim(&shared, id, limit).await
            }) as Claiming
        })
    }

    /// How many messages are to be claimed: as many as are bearable when somebody waits, a whole
    /// batch when there is room for it, or none.
    fn room(&self) -> usize {
        let terms = &self.shared.terms;
        let bears_more = self.bytes < terms.ahead_bytes;
        let ahead = if bears_more { terms.ahead } else { 0 };
        if self.buffer.is_empty() && !self.waiting.is_empty() {
            return terms.batch.min(ahead.saturating_add(self.waiting.len()));
        }
        let whole = terms.batch.min(ahead);
        let has_room = ahead.saturating_sub(self.buffer.len()) >= whole;
        if has_room { whole } else { 0 }
    }

    /// Takes the answer to a claim; `false` where no further one makes sense.
    fn take(&mut self, answer: Result<Option<Claimed>>) -> bool {
        match answer {
            Ok(claimed) => {
                (self.failures, self.pause) = (0, Duration::ZERO);
                self.id = ClaimId::random();
                if let Some(claimed) = claimed {
                    self.keep(claimed);
                }
                true
            }
            Err(error) if claiming::is_final(&error) => {
                self.shared.fail(error);
                false
            }
            Err(error) => {
                self.failures += 1;
                let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
                self.pause = backoff.delay(self.failures);
                self.shared.trouble("claim", error, Some(self.pause));
                true
            }
        }
    }

    fn keep(&mut self, (claim, sent, lease): Claimed) {
        let returns = self.returns.clone();
        let tenure = Tenure::new(&self.shared, &claim, (sent, lease), returns, &self.losses);
        self.shared.watch.tell(Event::Claimed {
            claim: claim.id(),
            fence: claim.fence(),
            messages: claim.messages().len(),
        });
        tokio::spawn(Arc::clone(&tenure).keep());
        for message in claim.messages() {
            let stake = Stake::new(Share::new(&tenure, message, sent));
            let message = message.clone();
            let fresh = Fresh { message, stake };
            self.bytes += size(&fresh);
            self.buffer.push_back(fresh);
        }
    }

    /// Some claim was lost: its messages are not to be begun.
    fn drop_lost(&mut self) {
        let is_lost = |fresh: &Fresh| {
            fresh
                .stake
                .share()
                .is_none_or(|share| share.tenure.is_lost())
        };
        let (lost, kept): (VecDeque<_>, _) = self.buffer.drain(..).partition(is_lost);
        self.buffer = kept;
        self.bytes = self.buffer.iter().map(size).sum();
        for share in lost
            .into_iter()
            .filter_map(|fresh| fresh.stake.into_share())
        {
            share.tell_lost();
        }
    }

    /// Gives back what is not started, and waits for the rest to be settled.
    async fn empty(self, unanswered: Option<ClaimId>) {
        let Pump {
            shared,
            asks,
            waiting,
            buffer,
            returns,
            mut returned,
            mut giving_back,
            ..
        } = self;
        // Now who asks is told that there is nothing, and the claims alone keep `returned` open.
        drop((asks, waiting, returns));
        if let Some(id) = unanswered {
            giving_back.spawn(claiming::release(shared, id));
        }
        for shares in by_claim(buffer) {
            giving_back.spawn(hand_back_untried(shares));
        }
        let mut is_open = true;
        loop {
            tokio::select! {
                share = returned.recv(), if is_open => match share {
                    Some(share) => {
                        giving_back.spawn(give_back(share));
                    }
                    None => is_open = false,
                },
                Some(_) = giving_back.join_next(), if !giving_back.is_empty() => {}
                else => break,
            }
        }
    }
}

/// Of what somebody dropped.
async fn give_back(mut share: Share) {
    let (delay, untried) = (Duration::ZERO, !share.is_started());
    // What fails is told of by an event.
    let _ = share.settle(End::HandedBack { delay, untried }).await;
}

async fn answer_of(claiming: &mut Option<Claiming>) -> Result<Option<Claimed>> {
    match claiming {
        Some(claiming) => claiming.await,
        None => pending().await,
    }
}

fn by_claim(buffer: VecDeque<Fresh>) -> Vec<Vec<Share>> {
    let mut claims: Vec<Vec<Share>> = Vec::new();
    for share in buffer
        .into_iter()
        .filter_map(|fresh| fresh.stake.into_share())
    {
        // They stand in the order of their claims.
        match claims.last_mut() {
            Some(last)
                if last
                    .iter()
                    .all(|other| Arc::ptr_eq(&other.tenure, &share.tenure)) =>
            {
                last.push(share);
            }
            _ => claims.push(vec![share]),
        }
    }
    claims
}

fn size(fresh: &Fresh) -> usize {
    fresh.message.raw_body().len()
}

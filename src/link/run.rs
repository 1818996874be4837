//! One run: some calls, from the wait for their turn to an answer for each.
//!
//! Guards the account of what was handed over. A call is *lost* once it was handed over and no
//! answer came; from then on no later failure can make it *not done* again.

mod exchange;

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::backoff::Backoff;
use super::call::{Call, Reply, Retry};
use super::cluster::Node;
use super::source::{Line, Route};
use super::{Shared, trace};
use crate::durability::Durability;
use crate::error::{Cause, Error, Outcome, Result};

/// A call, and where it stands.
struct Progress<'a> {
    call: &'a Call,
    /// On its way in this attempt.
    handed_over: bool,
    /// Was on its way in some attempt, and no answer came.
    lost: bool,
    answer: Option<Result<Reply>>,
    /// It was answered, and is still to be confirmed.
    owes: bool,
}

/// Why an attempt did not answer every call.
struct Stopped {
    cause: Cause,
    worth_another_try: bool,
}

pub(super) struct Run<'a> {
    progress: Vec<Progress<'a>>,
    route: Route,
    /// Where the owner of the slot sent us for this once: `ASK`.
    asked: Option<Node>,
    /// Where a node sent us that does not own the slot any more: `MOVED`.
    moved: Option<Node>,
    retry: Retry,
    begun: Instant,
    deadline: Instant,
    /// When the attempt under way began.
    attempted: Instant,
    attempts: u32,
    /// What the latest call to be sent again has to be sent again for.
    reason: Option<Cause>,
    /// What the server said last. Where it can't be reached any more, that says more than that.
    told: Option<Cause>,
    /// What has to confirm it; then it runs on a connection of its own.
    durability: Option<Durability>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        calls: impl Iterator<Item = &'a Call>,
        route: Route,
        retry: Retry,
        deadline: Instant,
    ) -> Self {
        let begun = |call| Progress {
            call,
            handed_over: false,
            lost: false,
            answer: None,
            owes: false,
        };
        Run {
            progress: calls.map(begun).collect(),
            route,
            asked: None,
            moved: None,
            retry,
            begun: Instant::now(),
            deadline,
            attempted: Instant::now(),
            attempts: 0,
            reason: None,
            told: None,
            durability: None,
        }
    }

    /// Of calls that may write, so that something may have to be confirmed. Such a run sends nothing
    /// again whose answer was lost: its caller knows what has become of the write, and decides.
    pub(super) fn confirmed_by(mut self, durability: Option<Durability>) -> Self {
        if self.progress.iter().any(|progress| progress.call.may_owe()) {
            self.durability = durability;
        }
        if self.durability.is_some() {
            self.retry = Retry::OnlyIfNotDone;
        }
        self
    }

    pub(super) async fn go(mut self, shared: &Shared) -> Vec<Result<Reply>> {
        let turn = match self.durability {
            Some(_) => shared.receipts.acquire_many(1),
            None => {
                // A run larger than the bound takes all of it, or it would wait for ever.
                let wanted = u32::try_from(self.progress.len()).unwrap_or(u32::MAX);
                shared.permits.acquire_many(wanted.min(shared.in_flight))
            }
        };
        let Ok(Ok(_permits)) = timeout_at(self.deadline, turn).await else {
            let busy = match self.durability {
                Some(_) => format!("{} requests waited for receipts", shared.most_receipts),
                None => format!("{} requests were under way", shared.in_flight),
            };
            return self.finish(Cause::text(format!("{busy} up to the deadline")));
        };
        let mut backoff = Backoff::new();
        loop {
            self.attempts += 1;
            let stopped = self.attempt(shared).await;
            self.take_stock(&stopped.cause);
            if self.is_answered() || !stopped.worth_another_try {
                return self.finish(stopped.cause);
            }
            // Who is sent elsewhere goes there at once, unless they are sent about.
            let is_sent = self.asked.is_some() || self.moved.is_some();
            shared.source.doubt(&self.route, self.moved.take());
            if (!is_sent || self.attempts > 2) && !backoff.pause(self.deadline).await {
                return self.finish(stopped.cause);
            }
        }
    }

    /// One connection, one exchange. The answers are in `progress` when it ends.
    async fn attempt(&mut self, shared: &Shared) -> Stopped {
        self.attempted = Instant::now();
        let until = self.end_of_attempt();
        let asked = self.asked.take().map(Route::Node);
        let is_asked = asked.is_some();
        let route = asked.unwrap_or_else(|| self.route.clone());
        let is_dedicated = self.durability.is_some();
        let found = timeout_at(until, shared.source.line(&route, is_dedicated)).await;
        let mut line = match found {
            Ok(Ok(line)) => Line { is_asked, ..line },
            Ok(Err(none)) => {
                return Stopped {
                    cause: none.cause,
                    worth_another_try: none.worth_another_try,
                };
            }
            Err(_) => {
                let told = self.told.clone();
                return Stopped {
                    cause: told.unwrap_or_else(|| Cause::text("no connection in time")),
                    worth_another_try: true,
                };
            }
        };
        let answers = line.health.answers();
        match timeout_at(until, self.exchange(&mut line)).await {
            Ok(Ok(())) => line.park(),
            Ok(Err(error)) => {
                line.health.retire();
                self.reason = Some(Cause::redis(&error));
            }
            Err(_) => {
                // A server that answers others is slow; a line on which nothing came back is dead.
                if line.health.answers() == answers {
                    line.health.retire();
                }
                self.reason = Some(Cause::text("no answer in time"));
            }
        }
        let cause = self
            .reason
            .take()
            .unwrap_or_else(|| Cause::text("no answer"));
        if cause.code().is_some() {
            self.told = Some(cause.clone());
        }
        Stopped {
            cause,
            worth_another_try: true,
        }
    }

    /// A call that may be repeated leaves time to do so, should its answer be lost.
    fn end_of_attempt(&self) -> Instant {
        let most = match self.retry {
            Retry::OnlyIfNotDone => return self.deadline,
            Retry::Within(time) => time,
            Retry::Always => Duration::MAX,
        };
        let now = self.attempted;
        let half = self.deadline.saturating_duration_since(now).min(most) / 2;
        (now + half.max(Duration::from_secs(1))).min(self.deadline)
    }

    /// After an attempt: what was handed over and not answered is lost.
    fn take_stock(&mut self, cause: &Cause) {
        for at in 0..self.progress.len() {
            if self.progress[at].owes {
                self.unconfirmed(at, cause);
            }
            let progress = &mut self.progress[at];
            if progress.answer.is_some() {
                continue;
            }
            let is_lost_now = std::mem::take(&mut progress.handed_over) && !progress.lost;
            progress.lost |= is_lost_now;
            match self.retry {
                Retry::OnlyIfNotDone if progress.lost => self.fail(at, cause.clone()),
                // From here on the time is that of the repeats, too.
                Retry::Within(time) if is_lost_now => {
                    self.deadline = self.deadline.min(self.attempted + time);
                }
                _ => {}
            }
        }
    }

    fn is_answered(&self) -> bool {
        self.progress.iter().all(|call| call.answer.is_some())
    }

    fn pending(&self) -> Vec<usize> {
        (0..self.progress.len())
            .filter(|at| self.progress[*at].answer.is_none())
            .collect()
    }

    fn answer(&mut self, at: usize, result: Result<Reply>) {
        let progress = &mut self.progress[at];
        if let (Some(_), Ok(Reply::Value(answer))) = (self.durability, &result)
            && !progress.owes
            && progress.call.owes_for(answer)
        {
            progress.owes = true;
            progress.answer = Some(result);
            return;
        }
        progress.owes = false;
        trace::answered(self.progress[at].call, &result, self.attempts, self.begun);
        self.progress[at].answer = Some(result);
    }

    /// It was done, and whether it lasts is not known.
    fn unconfirmed(&mut self, at: usize, cause: &Cause) {
        let queue = self.progress[at].call.queue.clone();
        let source = cause.clone();
        self.answer(at, Err(Error::Unconfirmed { queue, source }));
    }

    fn fail(&mut self, at: usize, source: Cause) {
        let outcome = if self.progress[at].lost {
            Outcome::Unknown
        } else {
            Outcome::NotDone
        };
        self.answer(
            at,
            Err(Error::Transport {
                queue: self.progress[at].call.queue.clone(),
                outcome,
                source,
            }),
        );
    }

    fn finish(mut self, cause: Cause) -> Vec<Result<Reply>> {
        for at in self.pending() {
            self.fail(at, cause.clone());
        }
        self.progress
            .into_iter()
            .filter_map(|progress| progress.answer)
            .collect()
    }
}

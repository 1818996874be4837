//! One run: some calls, from the wait for their turn to an answer for each.
//!
//! Guards the account of what was handed over. A call is *lost* once it was handed over and no
//! answer came; from then on no later failure can make it *not done* again.

use std::time::Duration;

use redis::{Pipeline, RedisError, RedisResult, Value};
use tokio::time::{Instant, timeout_at};

use super::backoff::Backoff;
use super::call::{Call, Reply, Retry};
use super::cluster::Node;
use super::source::{Line, Route};
use super::verdict::{self, Verdict};
use super::{Shared, trace};
use crate::error::{Cause, Error, Outcome, Result, ServerReply};
use crate::script::Script;

/// A call, and where it stands.
struct Progress<'a> {
    call: &'a Call,
    /// On its way in this attempt.
    handed_over: bool,
    /// Was on its way in some attempt, and no answer came.
    lost: bool,
    answer: Option<Result<Reply>>,
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
    attempts: u32,
    /// What the latest call to be sent again has to be sent again for.
    reason: Option<Cause>,
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
        };
        Run {
            progress: calls.map(begun).collect(),
            route,
            asked: None,
            moved: None,
            retry,
            begun: Instant::now(),
            deadline,
            attempts: 0,
            reason: None,
        }
    }

    pub(super) async fn go(mut self, shared: &Shared) -> Vec<Result<Reply>> {
        // A run larger than the bound takes all of it, or it would wait for ever.
        let wanted = u32::try_from(self.progress.len())
            .unwrap_or(u32::MAX)
            .min(shared.in_flight);
        let Ok(Ok(_permits)) = timeout_at(self.deadline, shared.permits.acquire_many(wanted)).await
        else {
            let most = shared.in_flight;
            return self.finish(Cause::text(format!(
                "{most} requests were under way up to the deadline"
            )));
        };
        let mut backoff = Backoff::new();
        loop {
            self.attempts += 1;
            let stopped = self.attempt(shared).await;
            self.take_stock(&stopped.cause);
            if self.pending().is_empty() || !stopped.worth_another_try {
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
        let until = self.end_of_attempt();
        let asked = self.asked.take().map(Route::Node);
        let is_asked = asked.is_some();
        let route = asked.unwrap_or_else(|| self.route.clone());
        let mut line = match timeout_at(until, shared.source.line(&route)).await {
            Ok(Ok(line)) => Line { is_asked, ..line },
            Ok(Err(none)) => {
                return Stopped {
                    cause: none.cause,
                    worth_another_try: none.worth_another_try,
                };
            }
            Err(_) => {
                return Stopped {
                    cause: Cause::text("no connection in time"),
                    worth_another_try: true,
                };
            }
        };
        let answers = line.health.answers();
        match timeout_at(until, self.exchange(&mut line)).await {
            Ok(Ok(())) => {}
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
        Stopped {
            cause,
            worth_another_try: true,
        }
    }

    /// A call that may be repeated leaves time to do so, should its answer be lost.
    fn end_of_attempt(&self) -> Instant {
        match self.retry {
            Retry::OnlyIfNotDone => self.deadline,
            Retry::Always => {
                let now = Instant::now();
                let half = self.deadline.saturating_duration_since(now) / 2;
                (now + half.max(Duration::from_secs(1))).min(self.deadline)
            }
        }
    }

    async fn exchange(&mut self, line: &mut Line) -> RedisResult<()> {
        let missing = self.send(line, self.pending()).await?;
        if missing.is_empty() {
            return Ok(());
        }
        for script in self.scripts_of(&missing) {
            // By SCRIPT LOAD, never EVAL: newer servers evict what EVAL brought. A refusal shows
            // when the script is called again and still is not there.
            let mut load = redis::cmd("SCRIPT");
            load.arg("LOAD").arg(script.source());
            if let Err(error) = line.wire.one(&load).await {
                let reply = ServerReply::of(&error).ok_or(error)?;
                self.reason = Some(Cause::server(&reply.word, &reply.detail));
                if verdict::of_reply(&reply.word) == Verdict::Refused {
                    self.refuse(&missing, script);
                }
            }
        }
        let missing = missing
            .into_iter()
            .filter(|at| self.progress[*at].answer.is_none())
            .collect();
        self.send(line, missing).await?;
        Ok(())
    }

    /// Sends these calls and notes their answers; returns those whose script is not loaded.
    async fn send(&mut self, line: &mut Line, which: Vec<usize>) -> RedisResult<Vec<usize>> {
        if which.is_empty() {
            return Ok(which);
        }
        for at in &which {
            self.progress[*at].handed_over = true;
        }
        let replies = match which[..] {
            [at] if !line.is_asked => {
                let reply = line.wire.one(&self.progress[at].call.cmd).await;
                match reply {
                    Err(error) if ServerReply::of(&error).is_none() => return Err(error),
                    reply => vec![reply],
                }
            }
            _ => self.send_many(line, &which).await?,
        };
        line.health.answered();
        let mut missing = Vec::new();
        for (at, reply) in which.into_iter().zip(replies) {
            match reply {
                Ok(value) => self.answer(at, Ok(Reply::Value(value))),
                Err(error) => {
                    if self.note_error(at, &error, line) {
                        missing.push(at);
                    }
                }
            }
        }
        Ok(missing)
    }

    /// In one pipeline, where a node that was named by `ASK` is told so before each of them.
    async fn send_many(
        &self,
        line: &mut Line,
        which: &[usize],
    ) -> RedisResult<Vec<RedisResult<Value>>> {
        let mut pipeline = Pipeline::with_capacity(which.len());
        pipeline.ignore_errors();
        for at in which {
            if line.is_asked {
                pipeline.cmd("ASKING").ignore();
            }
            pipeline.add_command(self.progress[*at].call.cmd.clone());
        }
        line.wire.many(&pipeline).await
    }

    /// Notes what an error reply means for a call; true where its script has to be loaded.
    fn note_error(&mut self, at: usize, error: &RedisError, line: &Line) -> bool {
        let call = self.progress[at].call;
        let Some(reply) = ServerReply::of(error) else {
            self.reason = Some(Cause::redis(error));
            return false;
        };
        if reply.word == "MORE" && call.script.is_some_and(Script::may_answer_more) {
            self.answer(at, Ok(Reply::More));
            return false;
        }
        let refusal = call.script.and_then(|_| reply.refusal(call.queue.as_ref()));
        if let Some(refusal) = refusal {
            self.answer(at, Err(refusal));
            return false;
        }
        let cause = Cause::server(&reply.word, &reply.detail);
        match verdict::of_reply(&reply.word) {
            Verdict::Load if call.script.is_some() => {
                self.progress[at].handed_over = false;
                self.reason = Some(cause);
                return true;
            }
            Verdict::Elsewhere { is_asked } if matches!(self.route, Route::Slot(_)) => {
                self.progress[at].handed_over = false;
                self.reason = Some(cause);
                let node = Node::redirected(&reply.detail);
                *(if is_asked {
                    &mut self.asked
                } else {
                    &mut self.moved
                }) = node;
            }
            Verdict::Elsewhere { .. } => {
                self.progress[at].handed_over = false;
                self.fail(
                    at,
                    cause.labelled("a cluster, whose URL wants ?cluster=true"),
                );
            }
            Verdict::Load | Verdict::Refused => {
                self.progress[at].handed_over = false;
                self.fail(at, cause);
            }
            Verdict::Again { reconnect } => {
                self.progress[at].handed_over = false;
                self.reason = Some(cause);
                if reconnect {
                    line.health.retire();
                }
            }
            Verdict::Unknown => {
                self.progress[at].lost = true;
                self.fail(at, cause);
            }
        }
        false
    }

    /// Fails those calls of a script that the server refuses to load.
    fn refuse(&mut self, missing: &[usize], script: &Script) {
        for at in missing {
            if self.progress[*at].call.name == script.name() {
                let cause = self
                    .reason
                    .clone()
                    .unwrap_or_else(|| Cause::text("not loaded"));
                self.fail(*at, cause);
            }
        }
    }

    /// After an attempt: what was handed over and not answered is lost.
    fn take_stock(&mut self, cause: &Cause) {
        for at in self.pending() {
            let progress = &mut self.progress[at];
            progress.lost |= std::mem::take(&mut progress.handed_over);
            if progress.lost && self.retry == Retry::OnlyIfNotDone {
                self.fail(at, cause.clone());
            }
        }
    }

    fn pending(&self) -> Vec<usize> {
        (0..self.progress.len())
            .filter(|at| self.progress[*at].answer.is_none())
            .collect()
    }

    fn scripts_of(&self, which: &[usize]) -> Vec<&'static Script> {
        let mut scripts: Vec<_> = which
            .iter()
            .filter_map(|at| self.progress[*at].call.script)
            .collect();
        scripts.sort_by_key(|script| script.name());
        scripts.dedup_by_key(|script| script.name());
        scripts
    }

    fn answer(&mut self, at: usize, result: Result<Reply>) {
        trace::answered(self.progress[at].call, &result, self.attempts, self.begun);
        self.progress[at].answer = Some(result);
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

//! One exchange on one line: commands out, answers in, scripts loaded where they are missing.
//!
//! Guards that an answer is taken for what it says of its call: refused before it ran is not handed over,
//! an error from its middle is.

use redis::{Pipeline, RedisError, RedisResult, Value};

use super::{Progress, Run};
use crate::error::{Cause, ServerReply};
use crate::link::call::Reply;
use crate::link::cluster::Node;
use crate::link::receipt::{self, NoReceipt};
use crate::link::source::{Line, Route};
use crate::link::verdict::{self, Verdict};
use crate::script::Script;

impl Run<'_> {
    /// Answers the pending calls, as far as the server does, and has those confirmed that are to be.
    pub(super) async fn exchange(&mut self, line: &mut Line) -> RedisResult<()> {
        if let Some(durability) = self.durability
            && let Err(no_receipt) = receipt::can_be_had(line, &durability).await?
        {
            self.refuse_all(&no_receipt);
            return Ok(());
        }
        let missing = self.send(line, self.pending()).await?;
        if !missing.is_empty() {
            self.send_again(line, missing).await?;
        }
        self.confirm(line).await
    }

    /// Asks for one receipt for all that was answered and is to be confirmed.
    async fn confirm(&mut self, line: &mut Line) -> RedisResult<()> {
        let owing = |progress: &&Progress<'_>| progress.owes;
        let Some(durability) = self.durability else {
            return Ok(());
        };
        let Some(first) = self.progress.iter().find(owing) else {
            return Ok(());
        };
        let key = first.call.key().unwrap_or_default();
        let receipt = receipt::ask(line, key, &durability, self.deadline).await?;
        for at in 0..self.progress.len() {
            if !self.progress[at].owes {
                continue;
            }
            match &receipt {
                Ok(()) => {
                    if let Some(answer) = self.progress[at].answer.take() {
                        self.answer(at, answer);
                    }
                }
                Err(cause) => self.unconfirmed(at, cause),
            }
        }
        Ok(())
    }

    /// What is asked for can't be had from this server: nothing is sent.
    fn refuse_all(&mut self, no_receipt: &NoReceipt) {
        for at in self.pending() {
            match no_receipt {
                NoReceipt::Refused(error) => {
                    let error = match &self.progress[at].call.queue {
                        Some(queue) => error.clone().within(queue, None),
                        None => error.clone(),
                    };
                    self.answer(at, Err(error));
                }
                NoReceipt::Short(cause) => self.fail(at, cause.clone()),
            }
        }
    }

    /// Loads the scripts that the server has not, and sends their calls again.
    async fn send_again(&mut self, line: &mut Line, missing: Vec<usize>) -> RedisResult<()> {
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
            let after_loss = self.progress[at].lost;
            self.answer(at, Ok(Reply::More { after_loss }));
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
                if is_asked {
                    self.asked = node;
                } else {
                    self.moved = node;
                }
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

    fn scripts_of(&self, which: &[usize]) -> Vec<&'static Script> {
        let mut scripts: Vec<_> = which
            .iter()
            .filter_map(|at| self.progress[*at].call.script)
            .collect();
        scripts.sort_by_key(|script| script.name());
        scripts.dedup_by_key(|script| script.name());
        scripts
    }
}

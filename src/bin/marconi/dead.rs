//! `marconi dead …`
//!
//! Guards that an id means one letter: ids of kept letters and of messages are handed out apart, so
//! one that is both is refused until somebody says which.

mod carry;
mod list;
mod purge;
mod redrive;
mod show;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use marconi_redis::{Message, Queue};

use crate::failure::Failure;
use crate::global::Global;
use crate::messages;
use crate::output::quoted;

#[derive(Subcommand)]
pub enum Verb {
    /// List dead letters: kept here, on their way, and arrived from other queues
    List(list::Args),
    /// Show all there is to say of a dead letter
    Show(show::Args),
    /// Let dead letters set out again: back to where they died, or to another queue
    Redrive(redrive::Args),
    /// Delete dead letters that are kept here
    Purge(purge::Args),
    /// Finish what a program that died began: carry letters to where they are addressed
    Carry(carry::Args),
}

pub async fn run(verb: Verb, global: &Global) -> Result<ExitCode> {
    match verb {
        Verb::List(args) => list::run(args, global).await,
        Verb::Show(args) => show::run(args, global).await,
        Verb::Redrive(args) => redrive::run(args, global).await,
        Verb::Purge(args) => purge::run(args, global).await,
        Verb::Carry(args) => carry::run(args, global).await,
    }
}

/// Which letters are meant.
#[derive(clap::Args)]
pub struct Which {
    /// Only letters that are kept in the queue's own store
    #[arg(long)]
    kept: bool,
    /// Only letters that have arrived in the queue as messages
    #[arg(long, conflicts_with = "kept")]
    arrived: bool,
}

/// What stands under some ids.
#[derive(Default)]
struct Found {
    kept: Vec<Message>,
    arrived: Vec<Message>,
    /// Messages that are no letters.
    ordinary: Vec<Message>,
}

impl Found {
    /// Looks them up; what is gone is in none of the three.
    async fn of(queue: &Queue, texts: &[String], which: &Which) -> Result<Found> {
        let ids = messages::known_ids(texts);
        let mut found = Found::default();
        if !which.arrived {
            found.kept = queue.dead_letters().get_many(ids.clone()).await?;
        }
        if !which.kept {
            let is_letter = |message: &Message| message.origin().is_some();
            let there = queue.get_many(ids).await?;
            (found.arrived, found.ordinary) = there.into_iter().partition(is_letter);
        }
        let is_arrived = |letter: &&Message| found.arrived.iter().any(|m| m.id() == letter.id());
        if let Some(both) = found.kept.iter().find(is_arrived) {
            return Err(Failure::usage(format!(
                "{} is the id of a letter that is kept, and of one that has arrived; say --kept or --arrived",
                both.id()
            )));
        }
        let is_kept =
            |message: &Message| found.kept.iter().any(|letter| letter.id() == message.id());
        found.ordinary.retain(|message| !is_kept(message));
        Ok(found)
    }

    /// Fails where one is a message that never died.
    fn refuse_ordinary(&self, queue: &Queue) -> Result<()> {
        let Some(message) = self.ordinary.first() else {
            return Ok(());
        };
        Err(Failure::usage(format!(
            "{} is a message and no dead letter; look at it with: marconi get {} {}",
            message.id(),
            quoted(queue.path().name().as_str()),
            message.id()
        )))
    }

    fn is_gone(&self, text: &str) -> bool {
        let mut all = self.kept.iter().chain(&self.arrived).chain(&self.ordinary);
        !all.any(|message| message.id().to_string() == text)
    }
}

//! `marconi queue …`

mod create;
mod delete;
mod list;
mod purge;
mod set;
mod settings;
mod show;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

#[derive(Subcommand)]
pub enum Verb {
    /// Make a queue, or give one that is there other metadata
    Create(create::Args),
    /// List the queues of a project, in name order
    List(list::Args),
    /// Show a queue's metadata
    Show(show::Args),
    /// Change some of a queue's metadata
    Set(set::Args),
    /// Delete all messages and claims; metadata and dead letters stay
    Purge(purge::Args),
    /// Delete a queue with all it holds; letters on their way still arrive
    Delete(delete::Args),
}

pub async fn run(verb: Verb, global: &Global) -> Result<ExitCode> {
    match verb {
        Verb::Create(args) => create::run(args, global).await,
        Verb::List(args) => list::run(args, global).await,
        Verb::Show(args) => show::run(args, global).await,
        Verb::Set(args) => set::run(args, global).await,
        Verb::Purge(args) => purge::run(args, global).await,
        Verb::Delete(args) => delete::run(args, global).await,
    }
}

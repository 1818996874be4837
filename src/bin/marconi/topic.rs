//! `marconi topic …`

mod create;
mod list;
mod post;
mod read;
mod set;
mod show;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use marconi_redis::Topic;
use serde_json::json;

use crate::duration::show as time;
use crate::global::Global;
use crate::output::{Output, Rows, Table, count};
use crate::stats;

#[derive(Subcommand)]
pub enum Verb {
    /// Make a topic, or give one that is there other metadata
    Create(create::Args),
    /// List the topics of a project, in name order
    List(list::Args),
    /// Show a topic's metadata
    Show(show::Args),
    /// Change some of a topic's metadata
    Set(set::Args),
    /// Count a topic's messages
    Stats(Stats),
    /// Post messages: JSON from arguments, a file or standard input
    Post(post::Args),
    /// Show messages in their order, after a marker
    Read(read::Args),
    /// Delete all messages; metadata and subscriptions stay
    Purge(Purge),
    /// Delete a topic with its messages; subscriptions stay
    Delete(Delete),
}

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi topic stats news")]
pub struct Stats {
    /// Its name
    topic: String,
}

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi topic purge news")]
pub struct Purge {
    /// Its name
    topic: String,
}

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi topic delete news")]
pub struct Delete {
    /// Its name
    topic: String,
}

pub async fn run(verb: Verb, global: &Global) -> Result<ExitCode> {
    match verb {
        Verb::Create(args) => create::run(args, global).await,
        Verb::List(args) => list::run(args, global).await,
        Verb::Show(args) => show::run(args, global).await,
        Verb::Set(args) => set::run(args, global).await,
        Verb::Stats(args) => count_messages(args, global).await,
        Verb::Post(args) => post::run(args, global).await,
        Verb::Read(args) => read::run(args, global).await,
        Verb::Purge(args) => purge(args, global).await,
        Verb::Delete(args) => delete(args, global).await,
    }
}

async fn topic(global: &Global, name: &str) -> Result<Topic> {
    Ok(global.store().await?.topic(global.project(), name)?)
}

async fn count_messages(args: Stats, global: &Global) -> Result<ExitCode> {
    let counted = topic(global, &args.topic).await?.stats().await?;
    let (oldest, newest) = (stats::end(counted.oldest), stats::end(counted.newest));
    let document = json!({
        "free": counted.free, "delayed": counted.delayed, "total": counted.total,
        "oldest": oldest, "newest": newest,
    });
    Output::of(global).show(&document, || {
        let mut table = Table::new(&[">FREE", ">DELAYED", ">TOTAL", ">OLDEST", ">NEWEST"]);
        let counts = [counted.free, counted.delayed, counted.total].map(|n| n.to_string());
        let ends = [counted.oldest, counted.newest];
        let ages = ends.map(|end| end.map_or("-".to_owned(), |end| time(end.age)));
        table.row(counts.into_iter().chain(ages));
        table.render(Rows::Cut)
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn purge(args: Purge, global: &Global) -> Result<ExitCode> {
    let purged = topic(global, &args.topic).await?.purge().await?;
    Output::of(global).done(&json!({"purged": purged}), || {
        format!("purged {} from {}", count(purged, "message"), args.topic)
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn delete(args: Delete, global: &Global) -> Result<ExitCode> {
    let deleted = topic(global, &args.topic).await?.delete().await?;
    let out = Output::of(global);
    out.done(&json!({"deleted": deleted}), || match deleted {
        true => format!("deleted {}", args.topic),
        false => format!("{} was not there", args.topic),
    })?;
    Ok(ExitCode::SUCCESS)
}

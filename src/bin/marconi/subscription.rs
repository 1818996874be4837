//! `marconi subscription …`

mod create;
mod list;
mod set;
mod show;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use marconi_redis::{Queue, Subscription, SubscriptionId};
use serde_json::{Map, Value, json};

use crate::body::Body;
use crate::duration::{ms_of, show as time};
use crate::failure::Failure;
use crate::global::Global;
use crate::maps;
use crate::output::Output;

#[derive(Subcommand)]
pub enum Verb {
    /// Subscribe somebody, or show the subscription that is there
    Create(create::Args),
    /// List the subscriptions, oldest first
    List(list::Args),
    /// Show one, by its id or its subscriber
    Show(show::Args),
    /// Change what is given of one, and nothing else
    Set(set::Args),
    /// Note that the subscriber has confirmed
    Confirm(Confirm),
    /// Delete one
    Delete(Delete),
}

/// Whose subscriptions.
#[derive(Args)]
pub struct Source {
    /// Its name; it need not exist
    queue: String,
    /// It is the name of a topic
    #[arg(long)]
    topic: bool,
}

#[derive(Args)]
#[command(after_help = "Example:\n  marconi subscription confirm orders 1763833000000-0")]
pub struct Confirm {
    #[command(flatten)]
    source: Source,
    /// Which
    id: String,
    /// That it has not, or no more
    #[arg(long)]
    not: bool,
}

#[derive(Args)]
#[command(after_help = "Example:\n  marconi subscription delete orders 1763833000000-0")]
pub struct Delete {
    #[command(flatten)]
    source: Source,
    /// Which; one that is gone already is no failure
    id: String,
}

pub async fn run(verb: Verb, global: &Global) -> Result<ExitCode> {
    match verb {
        Verb::Create(args) => create::run(args, global).await,
        Verb::List(args) => list::run(args, global).await,
        Verb::Show(args) => show::run(args, global).await,
        Verb::Set(args) => set::run(args, global).await,
        Verb::Confirm(args) => confirm(args, global).await,
        Verb::Delete(args) => delete(args, global).await,
    }
}

async fn confirm(args: Confirm, global: &Global) -> Result<ExitCode> {
    let (queue, id) = (args.source.queue(global).await?, id(&args.id)?);
    queue.confirm_subscription(id, !args.not).await?;
    let out = Output::of(global);
    out.done(&json!({"confirmed": !args.not}), || match args.not {
        true => format!("{id} is not confirmed"),
        false => format!("confirmed {id}"),
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn delete(args: Delete, global: &Global) -> Result<ExitCode> {
    let (queue, id) = (args.source.queue(global).await?, id(&args.id)?);
    let deleted = queue.delete_subscription(id).await?;
    let out = Output::of(global);
    out.done(&json!({"deleted": deleted}), || match deleted {
        true => format!("deleted {id}"),
        false => format!("{id} was not there"),
    })?;
    Ok(ExitCode::SUCCESS)
}

impl Source {
    /// A topic is a queue under a prefix of its own, and has its subscriptions there.
    async fn queue(&self, global: &Global) -> Result<Queue> {
        if !self.topic {
            return global.queue(&self.queue).await;
        }
        let topics = global.topics().await?;
        Ok(topics.queue(global.project(), &self.queue)?)
    }
}

/// What is no id is not repeated: it may be a uri, with a password in it.
fn id(text: &str) -> Result<SubscriptionId> {
    text.parse().map_err(|_| {
        Failure::usage("that is no subscription's id: two numbers with a dash, as list shows them")
    })
}

/// A JSON object of options, ready to be stored.
fn options(text: &str) -> Result<Body> {
    Ok(Body(maps::object("--options", text)?.into()))
}

fn document(subscription: &Subscription) -> Value {
    let mut shown = Map::new();
    shown.insert("id".into(), json!(subscription.id.to_string()));
    shown.insert("subscriber".into(), json!(subscription.subscriber));
    shown.insert("ttl_ms".into(), json!(ms_of(subscription.ttl)));
    shown.insert("age_ms".into(), json!(ms_of(subscription.age)));
    shown.insert("left_ms".into(), json!(ms_of(subscription.left)));
    shown.insert("confirmed".into(), json!(subscription.confirmed));
    shown.insert("options".into(), maps::shown(&subscription.options));
    shown.into()
}

const HEADINGS: [&str; 6] = ["ID", ">AGE", ">LEFT", "CONFIRMED", "SUBSCRIBER", "OPTIONS"];

fn cells(subscription: &Subscription) -> [String; 6] {
    [
        subscription.id.to_string(),
        time(subscription.age),
        time(subscription.left),
        if subscription.confirmed { "yes" } else { "no" }.to_owned(),
        subscription.subscriber.clone(),
        maps::shown(&subscription.options).to_string(),
    ]
}

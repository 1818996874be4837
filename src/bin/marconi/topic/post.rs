//! `marconi topic post`

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use marconi_redis::{MessageId, NewMessage, Store};
use serde_json::json;

use crate::duration::parse;
use crate::global::Global;
use crate::input::{Document, Source, Wait};
use crate::output::{Output, count};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  marconi topic post news --create '{\"headline\": \"umbrellas are cheap\"}'
  marconi topic post news --file today.jsonl")]
pub struct Args {
    /// Its name
    topic: String,
    /// Messages, a JSON document each; without any, and without --file, from standard input
    #[arg(value_name = "BODY", allow_negative_numbers = true)]
    bodies: Vec<String>,
    /// Messages from a file, a JSON document a line; - is standard input
    #[arg(short, long, value_name = "FILE", conflicts_with = "bodies")]
    file: Option<PathBuf>,
    /// How long each lives [default: the topic's, else 14d]
    #[arg(long, value_name = "D", value_parser = parse)]
    ttl: Option<Duration>,
    /// How long each stays unseen [default: the topic's, else not at all]
    #[arg(long, value_name = "D", value_parser = parse)]
    delay: Option<Duration>,
    /// Repeated with it and the same input, for a minute at least, the command adds nothing
    #[arg(long, value_name = "TEXT")]
    token: Option<String>,
    /// Make the topic where it is missing
    #[arg(long)]
    create: bool,
}

/// All in one step: what is too much for one post is refused as a whole.
pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let mut source = match (&args.file, args.bodies.is_empty()) {
        (Some(file), _) => Source::read(file)?.0,
        (None, true) => Source::read("-".as_ref())?.0,
        (None, false) => Source::given(&args.bodies)?,
    };
    let mut messages = Vec::new();
    while let Some(Document { body, .. }) = source.next(Wait::Yes).await? {
        messages.push(NewMessage::from_msgpack(&rmp_serde::to_vec(&body)?)?);
    }
    let builder = Store::builder().client("")?.create_queues(args.create);
    let store = global.connect(builder).await?;
    let topic = store.topic(global.project(), &args.topic)?;
    let mut asked = topic.post_many(messages);
    if let Some(ttl) = args.ttl {
        asked = asked.ttl(ttl);
    }
    if let Some(delay) = args.delay {
        asked = asked.delay(delay);
    }
    if let Some(token) = args.token {
        asked = asked.token(token);
    }
    let ids: Vec<String> = asked.await?.iter().map(MessageId::to_string).collect();
    Output::of(global).done(&json!({"ids": ids}), || {
        let posted = count(ids.len() as u64, "message");
        format!("posted {posted} to {}", args.topic)
    })?;
    Ok(ExitCode::SUCCESS)
}

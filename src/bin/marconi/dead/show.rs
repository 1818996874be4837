//! `marconi dead show`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::{Error, Message};
use serde_json::{Value, json};

use super::{Found, Which};
use crate::global::Global;
use crate::messages;
use crate::output::Output;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi dead show orders 1763833000000-0")]
pub struct Args {
    /// Its name
    queue: String,
    /// The letter to show, as `dead list` has it
    id: String,
    #[command(flatten)]
    which: Which,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = global.queue(&args.queue).await?;
    let ids = std::slice::from_ref(&args.id);
    let found = Found::of(&queue, ids, &args.which).await?;
    found.refuse_ordinary(&queue)?;
    let letter = found.kept.first().map(|letter| (kept(letter), letter));
    let arrived = || {
        found
            .arrived
            .first()
            .map(|letter| (arrived(letter), letter))
    };
    let Some((document, letter)) = letter.or_else(arrived) else {
        let (queue, id) = (queue.path().clone(), args.id);
        return Err(Error::MessageDoesNotExist { queue, id }.into());
    };
    let state = match found.kept.is_empty() {
        true => format!("arrived, {}", messages::state(letter, 36)),
        false => "kept".to_owned(),
    };
    Output::of(global).show(&json!({ "letter": document }), || {
        messages::record(letter, &state)
    })?;
    Ok(ExitCode::SUCCESS)
}

pub fn kept(letter: &Message) -> Value {
    placed(messages::taken(letter), "kept")
}

pub fn arrived(letter: &Message) -> Value {
    placed(messages::seen(letter), "arrived")
}

fn placed(mut document: Value, place: &str) -> Value {
    document["place"] = json!(place);
    document
}

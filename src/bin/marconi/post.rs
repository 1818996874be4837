//! `marconi post`

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use marconi_redis::{Error, MessageId, NewMessage, Outcome, Queue, Store};
use serde_json::json;

use crate::duration::parse;
use crate::failure::SoFar;
use crate::global::Global;
use crate::input::{Document, Source, Wait};
use crate::output::{Output, count};

/// What one post takes.
const MOST: usize = 250;
const MOST_BYTES: u64 = 4 << 20;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  marconi post orders '{\"order\": 1}' '{\"order\": 2}'
  marconi post orders --create --file orders.jsonl
  tail -f orders.log | marconi post orders")]
pub struct Args {
    /// Its name
    queue: String,
    /// Messages, a JSON document each; without any, and without --file, from standard input
    #[arg(value_name = "BODY", allow_negative_numbers = true)]
    bodies: Vec<String>,
    /// Messages from a file, a JSON document a line; - is standard input
    #[arg(short, long, value_name = "FILE", conflicts_with = "bodies")]
    file: Option<PathBuf>,
    /// How long each lives [default: the queue's, else 14d]
    #[arg(long, value_name = "D", value_parser = parse)]
    ttl: Option<Duration>,
    /// How long each stays unseen [default: the queue's, else not at all]
    #[arg(long, value_name = "D", value_parser = parse)]
    delay: Option<Duration>,
    /// Repeated with it and the same input, for a minute at least, the command adds nothing
    #[arg(long, value_name = "TEXT")]
    token: Option<String>,
    /// Id of the poster, kept with each message; `list --not-client` leaves them out
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    client: String,
    /// Make the queue where it is missing
    #[arg(long)]
    create: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let (source, size) = match (&args.file, args.bodies.is_empty()) {
        (Some(file), _) => Source::read(file)?,
        (None, true) => Source::read("-".as_ref())?,
        (None, false) => (Source::given(&args.bodies)?, None),
    };
    let builder = Store::builder().client(&args.client)?.create_queues(false);
    let queue = global
        .connect(builder)
        .await?
        .queue(global.project(), &args.queue)?;
    // Before the first line is read: who types into a missing queue should not have to type twice.
    if args.create {
        queue.create().await?;
    }
    let most_bytes = match queue.metadata().await {
        Ok(metadata) => metadata.max_messages_post_size().unwrap_or(MOST_BYTES),
        // It is of no use here, and a post does not mind.
        Err(Error::Corrupt { .. }) => MOST_BYTES,
        Err(missing @ Error::QueueDoesNotExist { .. }) => {
            let hint = SoFar(", or post with --create".to_owned());
            return Err(anyhow::Error::new(missing).context(hint));
        }
        Err(error) => return Err(error.into()),
    };
    let is_watched = !global.quiet && args.bodies.is_empty();
    let mut posting = Posting {
        bar: bar(size, is_watched),
        queue,
        source,
        args,
        ids: Vec::new(),
        batches: 0,
        held_back: None,
        most_bytes: most_bytes.min(MOST_BYTES),
    };
    let outcome = posting.all().await;
    posting.bar.finish_and_clear();
    posting.tell(outcome, &Output::of(global))
}

/// A bar over the bytes of a file, or a count; on a terminal only.
fn bar(size: Option<u64>, is_watched: bool) -> ProgressBar {
    let template = match size {
        Some(_) => "{bar:30} {percent:>3} %  {msg} messages posted, {eta} to go",
        None => "{spinner} {msg} messages posted",
    };
    let target = match is_watched {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(size, target).with_message("0");
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

struct Posting {
    queue: Queue,
    source: Source,
    args: Args,
    bar: ProgressBar,
    ids: Vec<MessageId>,
    batches: usize,
    /// What the last batch had no room for.
    held_back: Option<(NewMessage, u64)>,
    most_bytes: u64,
}

impl Posting {
    async fn all(&mut self) -> Result<()> {
        loop {
            let (batch, broken) = self.batch().await;
            if !batch.is_empty() {
                self.post(batch).await?;
            }
            match broken {
                Some(error) => return Err(error),
                None if self.held_back.is_none() && self.source.is_at_end() => return Ok(()),
                None => {}
            }
        }
    }

    /// As much as is there and one post takes; and what ended the input, if it was no end.
    ///
    /// With a token the batches have to be the same when the command is repeated, so each but the
    /// last is full; else nobody waits for a line that is not there yet.
    async fn batch(&mut self) -> (Vec<NewMessage>, Option<anyhow::Error>) {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        if let Some((message, size)) = self.held_back.take() {
            batch.push(message);
            bytes = size;
        }
        while batch.len() < MOST {
            let wait = match batch.is_empty() || self.args.token.is_some() {
                true => Wait::Yes,
                false => Wait::No,
            };
            let document = match self.source.next(wait).await {
                Ok(Some(document)) => document,
                Ok(None) => break,
                Err(error) => return (batch, Some(error)),
            };
            self.bar.inc(document.bytes);
            let (message, size) = match Self::message(&document) {
                Ok(message) => message,
                Err(error) => return (batch, Some(error)),
            };
            if bytes + size > self.most_bytes && !batch.is_empty() {
                self.held_back = Some((message, size));
                break;
            }
            batch.push(message);
            bytes += size;
        }
        (batch, None)
    }

    /// And how many bytes it counts for.
    fn message(Document { body, .. }: &Document) -> Result<(NewMessage, u64)> {
        let encoded = rmp_serde::to_vec(body)?;
        Ok((NewMessage::from_msgpack(&encoded)?, encoded.len() as u64))
    }

    async fn post(&mut self, batch: Vec<NewMessage>) -> Result<()> {
        let mut asked = self.queue.post_many(batch);
        self.batches += 1;
        if let Some(ttl) = self.args.ttl {
            asked = asked.ttl(ttl);
        }
        if let Some(delay) = self.args.delay {
            asked = asked.delay(delay);
        }
        if let Some(token) = &self.args.token {
            asked = asked.token(match self.batches {
                // So that a single batch can be repeated by any client that has the token.
                1 => token.clone(),
                number => format!("{token}#{number}"),
            });
        }
        self.ids.extend(asked.await?);
        self.bar.set_message(self.ids.len().to_string());
        Ok(())
    }

    /// What was posted is told also where the rest was not.
    fn tell(&self, outcome: Result<()>, out: &Output) -> Result<ExitCode> {
        let name = self.queue.path().name();
        let posted = count(self.ids.len() as u64, "message");
        let ids: Vec<String> = self.ids.iter().map(MessageId::to_string).collect();
        let is_worth_telling = outcome.is_ok() || !ids.is_empty();
        if is_worth_telling {
            out.done(&json!({"ids": ids}), || match (ids.first(), ids.last()) {
                (Some(first), Some(last)) if ids.len() > 1 => {
                    format!("posted {posted} to {name}: {first} to {last}")
                }
                (Some(first), _) => format!("posted {posted} to {name}: {first}"),
                _ => format!("posted nothing to {name}: no input"),
            })?;
        }
        let Err(error) = outcome else {
            return Ok(ExitCode::SUCCESS);
        };
        if ids.is_empty() && !self.args.bodies.is_empty() {
            return Err(error);
        }
        let refused = error.downcast_ref::<Error>();
        let so_far = match (ids.len(), refused.map(Error::outcome)) {
            (0, None | Some(Outcome::NotDone)) => "; nothing was posted".to_owned(),
            (_, None | Some(Outcome::NotDone)) => {
                format!("; posted: the first {posted}, and none after")
            }
            (_, Some(_)) => format!("; posted for sure: the first {posted}"),
        };
        Err(error.context(SoFar(so_far)))
    }
}

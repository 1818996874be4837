//! What is said when something fails, and the exit status that goes with it.
//!
//! Guards that each refusal has one word and one status, the same in every verb, and that no
//! password reaches a terminal or a log.

mod secrets;

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use marconi_redis::keys::QueuePath;
use marconi_redis::{Error, Outcome};
use serde_json::{Map, Value, json};

pub use secrets::redact;

use crate::output::{printable, quoted};

/// `marconi check` found something, or `marconi health` something that failed; a command in the shell was right, and the answer is bad.
pub const VIOLATIONS: u8 = 1;
/// The command line itself is wrong; clap uses the same.
pub const USAGE: u8 = 2;
/// With `--exit-status`: there was nothing.
pub const NOTHING: u8 = 3;
/// 128 + SIGPIPE, as the shell shows a program that the signal ended.
const PIPE: u8 = 141;

/// One status a word, for `--help` and the manual; a test holds docs/cli.md to it.
pub const STATUSES: &str = "\
Exit status:
  0   done, also where there was nothing to claim, pop, list or show (see --exit-status)
  1   check found violations, or health something that failed
  2   the command line is wrong
  3   with --exit-status: there was nothing
  10  QUEUEGONE    no such queue
  11  MESSAGEGONE  no such message: deleted, expired, or never was
  12  CLAIMGONE    no such claim, or it lapsed
  13  CLAIMED      a live claim holds the message
  14  NOTCLAIMED   nobody holds the message: the claim lapsed
  15  NOTYOURS     another claim holds the message
  16  BADARG       an argument is wrong
  17  TOKENREUSED  the token came with other content before
  18  TOOLARGE     a body or a post is over its bound
  19  NEWERSCHEMA  a later version wrote the queue
  20  POOLGONE     no such pool, or none that takes new queues
  21  POOLEXISTS   another pool has that uri
  22  POOLINUSE    the pool holds queues or topics, or is the only one of its flavor
  23  FLAVORGONE   no such flavor
  24  NOTMAPPED    the catalogue doesn't have the queue or topic
  30  TOPICGONE    no such topic
  31  SUBSCRIPTIONGONE    no such subscription: deleted, expired, or never was
  32  SUBSCRIPTIONEXISTS  the subscriber has another one there
  65  BADINPUT     the input is not JSON, a document a line
  66  NOINPUT      a file can't be read
  69  TRANSPORT    the server can't be reached or refused: not done
  70  BUG          what should not happen
  74  IO           the output can't be written
  75  TRANSPORT    the answer was lost: unknown whether it was done
  76  CORRUPT      done, but the answer or the stored data is not in the format
  77  UNCONFIRMED  with --durable: done on the primary, but not confirmed in time";

/// The status where there was nothing to show.
pub fn nothing(is_failure: bool) -> ExitCode {
    ExitCode::from(if is_failure { NOTHING } else { 0 })
}

/// A failure that the library knows nothing of.
#[derive(Debug)]
pub struct Failure {
    status: u8,
    word: &'static str,
    message: String,
}

impl Failure {
    pub fn usage(message: impl Into<String>) -> anyhow::Error {
        Self::make(USAGE, "USAGE", message)
    }

    pub fn bad_input(message: impl Into<String>) -> anyhow::Error {
        Self::make(65, "BADINPUT", message)
    }

    pub fn no_input(message: impl Into<String>) -> anyhow::Error {
        Self::make(66, "NOINPUT", message)
    }

    fn make(status: u8, word: &'static str, message: impl Into<String>) -> anyhow::Error {
        let message = message.into();
        anyhow::Error::new(Failure {
            status,
            word,
            message,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Said along the way of a command that went some of it: `anyhow`'s context.
#[derive(Debug)]
pub struct SoFar(pub String);

impl fmt::Display for SoFar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says on standard error what went wrong, and answers the status to exit with.
pub fn report(error: &anyhow::Error, is_json: bool, server: &str) -> ExitCode {
    let status = match Told::of(error, server) {
        Some(told) => {
            told.print(is_json);
            told.status
        }
        None => PIPE,
    };
    ExitCode::from(status)
}

/// A refusal that does not end the command: `get` goes on with the next id.
pub fn warn(error: &Error, is_json: bool, server: &str) -> u8 {
    let told = Told::of_library(error, server);
    told.print(is_json);
    told.status
}

struct Told {
    status: u8,
    word: String,
    message: String,
    details: Map<String, Value>,
    queue: Option<String>,
}

impl Told {
    /// `None` where whoever read the output has gone away: then there is nothing to say.
    fn of(error: &anyhow::Error, server: &str) -> Option<Self> {
        let io = error.chain().find_map(|e| e.downcast_ref::<io::Error>());
        if io.is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe) {
            return None;
        }
        let mut told = if let Some(error) = error.downcast_ref::<Error>() {
            Self::of_library(error, server)
        } else if let Some(failure) = error.downcast_ref::<Failure>() {
            Self::plain(failure.status, failure.word, failure.message.clone())
        } else if io.is_some() {
            let what = format!("the output: {error:#}; what was asked for is done");
            Self::plain(74, "IO", what)
        } else {
            Self::plain(70, "BUG", format!("{error:#}; please report it"))
        };
        if let Some(SoFar(text)) = error.downcast_ref() {
            told.message.push_str(text);
        }
        Some(told)
    }

    fn plain(status: u8, word: &str, message: String) -> Self {
        Told {
            status,
            word: word.to_owned(),
            message,
            details: Map::new(),
            queue: None,
        }
    }

    fn of_library(error: &Error, server: &str) -> Self {
        let mut told = Self::plain(status(error), error.word(), message(error, server));
        if let Some(queue) = error.queue() {
            let name = queue.name().as_str().to_owned();
            let project = queue.project().as_str();
            let what = match error {
                Error::TopicDoesNotExist { .. } => "topic",
                _ => "queue",
            };
            told.details.insert(what.into(), json!(name));
            if !project.is_empty() {
                told.details.insert("project".into(), json!(project));
            }
            told.queue = Some(name);
        }
        if let Some(id) = error.id() {
            told.details.insert("id".into(), json!(id));
        }
        let outcome = match error.outcome() {
            Outcome::NotDone => "not done",
            Outcome::Done => "done",
            Outcome::Unknown => "unknown",
        };
        told.details.insert("outcome".into(), json!(outcome));
        told
    }

    fn print(&self, is_json: bool) {
        let message = redact(&self.message);
        let line = match is_json {
            true => {
                let mut error = Map::new();
                error.insert("word".into(), json!(self.word));
                error.insert("message".into(), json!(message));
                error.extend(self.details.clone());
                json!({ "error": error }).to_string()
            }
            false => match &self.queue {
                Some(queue) => format!("marconi: {queue}: {}", printable(&message)),
                None => format!("marconi: {}", printable(&message)),
            },
        };
        // Where standard error is gone the status has to do.
        let _ = writeln!(io::stderr(), "{line}");
    }
}

fn status(error: &Error) -> u8 {
    match (error, error.outcome()) {
        (Error::QueueDoesNotExist { .. }, _) => 10,
        (Error::MessageDoesNotExist { .. }, _) => 11,
        (Error::ClaimDoesNotExist { .. }, _) => 12,
        (Error::MessageIsClaimed { .. }, _) => 13,
        (Error::MessageNotClaimed { .. }, _) => 14,
        (Error::MessageNotClaimedBy { .. }, _) => 15,
        (Error::InvalidArgument { .. }, _) => 16,
        (Error::TokenReused { .. }, _) => 17,
        (Error::TooLarge { .. }, _) => 18,
        (Error::NewerSchema { .. }, _) => 19,
        (Error::PoolDoesNotExist { .. }, _) => 20,
        (Error::PoolAlreadyExists { .. }, _) => 21,
        (Error::PoolInUse { .. }, _) => 22,
        (Error::FlavorDoesNotExist { .. }, _) => 23,
        (Error::QueueNotMapped { .. }, _) => 24,
        (Error::TopicDoesNotExist { .. }, _) => 30,
        (Error::SubscriptionDoesNotExist { .. }, _) => 31,
        (Error::SubscriptionAlreadyExists { .. }, _) => 32,
        (Error::Unconfirmed { .. }, _) => 77,
        (Error::Codec { .. }, Outcome::NotDone) => 65,
        (_, Outcome::NotDone) => 69,
        (_, Outcome::Done) => 76,
        (_, Outcome::Unknown) => 75,
    }
}

/// What happened, and after a semicolon what to type or do next.
fn message(error: &Error, server: &str) -> String {
    match error {
        Error::QueueDoesNotExist { queue } => {
            let make = making("queue", queue);
            format!("no such queue; make it with: {make}")
        }
        Error::TopicDoesNotExist { topic } => {
            let make = making("topic", topic);
            format!("no such topic; make it with: {make}")
        }
        Error::SubscriptionDoesNotExist { id, .. } => {
            format!("subscription {id} is gone; it was deleted, has expired, or never was")
        }
        Error::SubscriptionAlreadyExists { id, .. } => {
            format!("that subscriber has subscription {id} there; change or delete that one")
        }
        Error::MessageDoesNotExist { id, .. } => {
            format!("message {id} is gone; it was deleted, has expired, or never was")
        }
        Error::ClaimDoesNotExist { id, .. } => {
            format!("claim {id} is gone; drop what it held, another worker may have it by now")
        }
        Error::MessageIsClaimed { id, .. } => {
            format!("message {id} is under a claim; give that with --claim, or wait until it ends")
        }
        Error::MessageNotClaimed { id, .. } => format!(
            "message {id} is not under a claim; yours lapsed or gave it back, so claim again"
        ),
        Error::MessageNotClaimedBy { id, .. } => {
            format!("message {id} is under another claim; leave it to that one")
        }
        Error::InvalidArgument {
            argument, detail, ..
        } if argument == "url" => {
            format!(
                "the server's URL can't be used ({detail}); it looks like redis://HOST:PORT or unix:///PATH"
            )
        }
        Error::InvalidArgument {
            argument, detail, ..
        } => format!("{argument}: {detail}; see --help"),
        Error::TokenReused { detail, .. } => format!(
            "the token came with other content before ({detail}); take a new one for new content"
        ),
        Error::TooLarge { detail, .. } => format!("too large: {detail}; post less at once"),
        Error::NewerSchema { detail, .. } => {
            format!("a later version of marconi wrote it ({detail}); upgrade this one")
        }
        Error::Transport {
            outcome, source, ..
        } => transport(*outcome, &source.to_string(), server),
        Error::Unconfirmed { source, .. } => format!(
            "done on {server}, but not confirmed: {source}; unknown whether it lasts, so repeat what can be repeated (post and pop with --token, claim with --id)"
        ),
        // What the library says of the rest has the queue in it, which is no harm.
        other => other.to_string(),
    }
}

/// What to type to make a queue or topic.
fn making(what: &str, path: &QueuePath) -> String {
    let name = quoted(path.name().as_str());
    match path.project().as_str() {
        "" => format!("marconi {what} create {name}"),
        project => format!("marconi -p {} {what} create {name}", quoted(project)),
    }
}

fn transport(outcome: Outcome, cause: &str, server: &str) -> String {
    match outcome {
        Outcome::NotDone => format!(
            "not done, {server}: {cause}; look whether that is the server you mean (--redis, MARCONI_REDIS) and that it is up"
        ),
        Outcome::Done => format!("done, but the answer can't be used: {cause}; don't repeat it"),
        Outcome::Unknown => format!(
            "unknown whether it was done, {server}: {cause}; look first, or repeat what can be repeated (post and pop with --token, claim with --id)"
        ),
    }
}

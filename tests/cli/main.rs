//! The command line, run as a person or a script runs it, against a real server.
#![cfg(feature = "cli")]

#[path = "../common/mod.rs"]
mod common;

mod check;
mod claims;
mod connection;
mod dead;
mod durable;
mod foreign;
mod health;
mod manual;
mod messages;
mod pools;
mod post;
mod queues;
mod refusals;
mod subscriptions;
mod topics;
mod waiting;

use std::io::Write;
use std::process::{Command, Stdio};

use common::Server;
use serde_json::Value;

/// What one run of `marconi` left behind.
#[derive(Debug)]
pub struct Run {
    /// Its exit status.
    pub status: i32,
    /// What it wrote to standard output.
    pub out: String,
    /// What it wrote to standard error.
    pub err: String,
}

impl Run {
    /// Fails the test unless it was done.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 0, "{self:?}");
        self
    }

    /// The one document on standard output.
    #[track_caller]
    pub fn json(&self) -> Value {
        let document = serde_json::from_str(&self.out);
        document.unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The error on standard error.
    #[track_caller]
    pub fn error(&self) -> Value {
        let document: Result<Value, _> = serde_json::from_str(&self.err);
        document.unwrap_or_else(|error| panic!("{error}: {self:?}"))["error"].clone()
    }

    /// Fails the test unless it was refused with this word and status, and said so in one line.
    #[track_caller]
    pub fn refused(&self, status: i32, word: &str) -> Value {
        assert_eq!(
            (self.status, self.error()["word"].as_str()),
            (status, Some(word)),
            "{self:?}"
        );
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        self.error()
    }
}

/// The binary, with nothing of this machine's environment that it could go by.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_marconi"));
    command
        .env_remove("MARCONI_REDIS")
        .env_remove("MARCONI_REDIS_FILE");
    command.stdin(Stdio::null());
    command
}

/// Runs it with these arguments against the shared server.
pub fn marconi(args: &[&str]) -> Run {
    finish(
        command()
            .env("MARCONI_REDIS", Server::shared().url())
            .args(args),
        b"",
    )
}

/// The same with `--json`; the document, where it was done.
#[track_caller]
pub fn answer(args: &[&str]) -> Value {
    let run = marconi(&[&["--json"], args].concat()).ok();
    assert_eq!(run.err, "", "nothing beside the document");
    run.json()
}

/// The same, where it may be refused.
pub fn asked(args: &[&str]) -> Run {
    marconi(&[&["--json"], args].concat())
}

/// Runs it with this on standard input.
pub fn fed(args: &[&str], input: &[u8]) -> Run {
    finish(
        command()
            .env("MARCONI_REDIS", Server::shared().url())
            .args(args),
        input,
    )
}

/// Runs it to its end, with this on standard input.
pub fn finish(command: &mut Command, input: &[u8]) -> Run {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if !input.is_empty() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().expect("the binary runs");
    if let Some(mut stdin) = child.stdin.take() {
        let input = input.to_vec();
        // Whoever refuses the first line need not read the last.
        std::thread::spawn(move || drop(stdin.write_all(&input)));
    }
    let output = child.wait_with_output().expect("it ends");
    Run {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// A queue of the test's own, with these messages; and their ids.
pub fn queue_of(bodies: &[&str]) -> (String, Vec<String>) {
    let queue = common::a_queue();
    marconi(&["queue", "create", &queue]).ok();
    if bodies.is_empty() {
        return (queue, Vec::new());
    }
    let posted = answer(&[&["post", &queue], bodies].concat());
    let ids = texts(&posted["ids"]);
    assert_eq!(ids.len(), bodies.len());
    (queue, ids)
}

/// A list of texts.
pub fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list");
    let text = |item: &Value| item.as_str().expect("text").to_owned();
    list.iter().map(text).collect()
}

/// The names of an object, sorted.
pub fn names(object: &Value) -> Vec<&str> {
    let mut names: Vec<_> = object
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}

/// The bodies of a document's messages.
pub fn bodies(page: &Value) -> Vec<Value> {
    let messages = page["messages"].as_array().expect("messages");
    messages
        .iter()
        .map(|message| message["body"].clone())
        .collect()
}

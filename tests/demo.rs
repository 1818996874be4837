//! `marconi demo`, run as a newcomer runs it: real processes, real signals, a server of its own.

#![cfg(feature = "cli")]

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::Server;
use serde_json::Value;

/// A directory of this test's own, where the demo puts what it needs.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let name = format!("mq-demo-{}-{name}", std::process::id());
        let place = Path::new("/tmp").join(name);
        std::fs::create_dir_all(place.join("tmp")).unwrap();
        Place(place)
    }

    fn input(&self, text: &str) -> PathBuf {
        let input = self.0.join("input.jsonl");
        std::fs::write(&input, text).unwrap();
        input
    }

    fn demo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_marconi"));
        command
            .arg("demo")
            .args(arguments)
            .env("MARCONI_SERVER", common::server())
            .env("TMPDIR", self.0.join("tmp"))
            .env_remove("MARCONI_REDIS")
            .env_remove("MARCONI_REDIS_FILE");
        command
    }

    fn run(&self, input: &str, arguments: &[&str]) -> Output {
        let input = self.input(input);
        let mut command = self.demo(arguments);
        command.arg("--input").arg(input).output().unwrap()
    }

    fn leftovers(&self) -> Vec<PathBuf> {
        let left = std::fs::read_dir(self.0.join("tmp")).unwrap();
        left.map(|entry| entry.unwrap().path()).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn figures(output: &Output) -> Value {
    let stdout = std::str::from_utf8(&output.stdout).unwrap();
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    serde_json::from_str(stdout).unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_line_is_processed_though_one_worker_is_killed_and_one_is_stopped() {
    let place = Place::new("all");
    // Equal lines are lines of their own; the last has no end.
    let lines = "{\"order\":\"A1\",\"customer\":\"Zoë 🦊\"}\r\n".repeat(200) + "7";
    let output = place.run(&lines, &["--json", "--ttl", "300ms"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let figures = figures(&output);
    for (name, number) in [("posted", 201), ("processed", 201), ("lost", 0)] {
        assert_eq!(figures[name], number, "{name}: {figures}");
    }
    let at_least = |name: &str| figures[name].as_f64().unwrap();
    assert!(at_least("redelivered") >= 10.0, "{figures}");
    // Half of what one had, and all of what the other had.
    assert!(at_least("processed_twice") >= 15.0, "{figures}");
    assert!(at_least("stale_deletes_refused") >= 10.0, "{figures}");
    for name in [
        "messages_per_s",
        "server_us_per_message",
        "bytes_per_message",
    ] {
        assert!(at_least(name) > 0.0, "{name}: {figures}");
    }
    assert_eq!(told(&output), "");
    assert_eq!(place.leftovers(), Vec::<PathBuf>::new());
}

#[test]
fn one_line_is_enough_for_a_kill_a_stop_and_an_end() {
    let place = Place::new("one");
    let output = place.run("{}", &["--json", "--ttl", "200ms", "--workers", "3"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let figures = figures(&output);
    for name in [
        "posted",
        "processed",
        "redelivered",
        "processed_twice",
        "stale_deletes_refused",
    ] {
        assert_eq!(figures[name], 1, "{name}: {figures}");
    }
}

#[test]
fn people_get_a_table_and_the_ledgers_if_they_want_them() {
    let place = Place::new("table");
    let output = place.run(&"1\n".repeat(50), &["--ttl", "200ms", "--keep"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let table = String::from_utf8(output.stdout.clone()).unwrap();
    for row in [
        "redelivered after the kill",
        "stale deletes refused",
        "messages/s",
    ] {
        assert!(table.contains(row), "{table}");
    }
    let story = told(&output);
    for line in ["SIGKILL", "SIGSTOP", "SIGCONT", "refused"] {
        assert!(story.contains(line), "{story}");
    }
    let kept = place.leftovers();
    assert!(kept[0].join("worker-1.jsonl").is_file(), "{kept:?}");
}

#[tokio::test]
async fn a_line_that_is_not_json_is_named_before_anything_is_posted() {
    let server = Server::start(&[]);
    let place = Place::new("bad");
    let output = place.run("{}\n{\"a\":\n{}", &["--redis", &server.url(), "--json"]);
    assert_ne!(output.status.code(), Some(0));
    assert!(told(&output).contains("line 2"), "{}", told(&output));
    assert!(output.stdout.is_empty());
    assert_eq!(keys(&server).await, 0);
}

#[test]
fn an_input_without_lines_is_refused() {
    let place = Place::new("empty");
    let output = place.run("\n\r\n", &[]);
    assert_ne!(output.status.code(), Some(0));
    assert!(told(&output).contains("no line"), "{}", told(&output));
}

#[tokio::test]
async fn on_a_server_of_others_nothing_is_left() {
    let server = Server::start(&[]);
    let place = Place::new("theirs");
    let arguments = ["--redis", &server.url(), "--json", "--ttl", "200ms"];
    let output = place.run(&"[1]\n".repeat(40), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(keys(&server).await, 0);
    assert_eq!(place.leftovers(), Vec::<PathBuf>::new());
}

#[test]
fn an_interrupt_ends_the_server_and_the_workers_the_stopped_one_too() {
    let place = Place::new("interrupt");
    let mut command = place.demo(&["--ttl", "1m"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut demo = command.spawn().unwrap();
    let mut lines = BufReader::new(demo.stderr.take().unwrap()).lines();
    let stopped = lines.find(|line| line.as_ref().unwrap().contains("SIGSTOP"));
    assert!(stopped.is_some());
    let sent = Command::new("kill")
        .args(["-INT", &demo.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    assert_eq!(demo.wait().unwrap().code(), Some(130));
    // Each of them had this pipe as its own standard error: it ends when the last one is gone.
    assert_eq!(
        lines
            .map_while(Result::ok)
            .filter(|line| line.contains("failed"))
            .count(),
        0
    );
    assert_eq!(place.leftovers(), Vec::<PathBuf>::new());
}

#[test]
fn without_a_server_it_says_what_to_install() {
    let place = Place::new("none");
    let mut command = place.demo(&[]);
    let command = command.env_remove("MARCONI_SERVER").env("PATH", &place.0);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told(&output).contains("apt-get install redis-server"),
        "{}",
        told(&output)
    );
}

async fn keys(server: &Server) -> u64 {
    let mut connection = server.connection().await;
    redis::cmd("DBSIZE")
        .query_async(&mut connection)
        .await
        .unwrap()
}

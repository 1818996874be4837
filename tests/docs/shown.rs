//! What the README shows: the example, and the line for redis-cli.

use std::process::Command;

use marconi_redis::Store;
use marconi_redis::script::ALL;
use serde::Serialize;

use crate::blocks::{root, text};
use crate::common::Server;
use crate::shell::{Tools, printed};

#[derive(Serialize)]
struct Order {
    number: u64,
    article: &'static str,
}

#[test]
fn the_examples_of_the_documents_are_those_that_are_compiled() {
    for (name, document) in [
        ("readme", "README.md"),
        ("worker", "README.md"),
        ("pooled", "docs/setup.md"),
        ("durable", "docs/durability.md"),
    ] {
        let example = text(&format!("examples/{name}.rs"));
        let (_, code) = example
            .split_once("\n\n")
            .expect("a header, then the example");
        let shown = format!("```rust,no_run\n{code}```\n");
        assert!(text(document).contains(&shown), "{name}");
    }
}

#[test]
fn a_digest_that_a_document_shows_is_that_of_a_script() {
    let mut shown = 0;
    for document in ["README.md", "docs/cli.md", "docs/contract.md"] {
        let text = text(document);
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        let is_digest =
            |word: &&str| word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        for word in words.filter(is_digest) {
            let known = ALL.iter().any(|script| script.sha1() == word);
            assert!(known, "{document}: {word}");
            shown += 1;
        }
    }
    assert!(shown > 0);
}

/// As cargo has built it already for these tests, so with the same features.
fn example(name: &str) -> Command {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut run = Command::new(cargo);
    run.args(["run", "--quiet", "--offline", "--example", name]);
    run.arg("--no-default-features").current_dir(root());
    let features = [
        ("cli", cfg!(feature = "cli")),
        ("tls", cfg!(feature = "tls")),
        ("tracing", cfg!(feature = "tracing")),
    ];
    for (feature, _) in features.iter().filter(|(_, on)| *on) {
        run.args(["--features", feature]);
    }
    if !cfg!(debug_assertions) {
        run.arg("--release");
    }
    run
}

/// It is a program, and takes where the server is from the environment; so it is run as one.
#[tokio::test]
async fn the_example_of_the_readme_works_off_what_is_there() {
    let server = Server::start(&[]);
    let store = Store::connect(&server.url()).await.unwrap();
    let orders = store.queue("shop", "orders").unwrap();
    let order = Order {
        number: 7,
        article: "hat",
    };
    orders.post(&order).await.unwrap();
    let mut run = example("readme");
    run.env("MARCONI_REDIS", server.url());
    let ran = tokio::task::spawn_blocking(move || run.output())
        .await
        .unwrap();
    let shown = printed(&ran.expect("cargo"));
    let lines: Vec<_> = shown.lines().collect();
    let [first, second] = lines[..] else {
        panic!("{shown}")
    };
    assert!(first.starts_with("Order { number: 7, article: \"hat\" }, claimed 1 times, fence 1"));
    assert!(second.starts_with("Order { number: 1, article: \"umbrella\" }, claimed 1 times, "));
    assert_eq!(orders.stats().await.unwrap().total, 0);
}

#[tokio::test]
async fn the_example_of_durability_is_told_by_a_replica() {
    let primary = Server::start_tcp(&["--repl-diskless-sync-delay", "0"]);
    let port = primary.port().to_string();
    let replica = Server::start(&["--replicaof", "127.0.0.1", &port]);
    let mut connection = primary.connection().await;
    let mut both = redis::pipe();
    both.cmd("PUBLISH").arg("nobody").arg("").ignore();
    both.cmd("WAIT").arg(1).arg(60_000);
    let [there]: [u64; 1] = both.query_async(&mut connection).await.unwrap();
    assert_eq!(there, 1);
    let mut run = example("durable");
    run.env("MARCONI_REDIS", primary.tcp_url());
    let ran = tokio::task::spawn_blocking(move || run.output())
        .await
        .unwrap();
    let shown = printed(&ran.expect("cargo"));
    let lasting = shown
        .lines()
        .filter(|line| line.ends_with(" outlives the primary"));
    assert_eq!(lasting.count(), 3, "{shown}");
    let mut there = replica.connection().await;
    let mut length = redis::cmd("XLEN");
    length.arg("mq:{shop/orders}:log");
    let posted: u64 = length.query_async(&mut there).await.unwrap();
    assert_eq!(posted, 3);
}

#[tokio::test]
async fn the_line_of_the_readme_for_redis_cli_claims() {
    let server = Server::start(&[]);
    let store = Store::connect(&server.url()).await.unwrap();
    let orders = store.queue("shop", "orders").unwrap();
    let id = orders.post("a").await.unwrap()[0];
    let readme = text("README.md");
    let mut lines = readme.lines().map(str::trim_start);
    let line = lines
        .find(|line| line.starts_with("redis-cli --eval "))
        .expect("the line");
    let socket = server.socket();
    let here = format!("redis-cli -s {} --eval ", socket.display());
    let line = line.replacen("redis-cli --eval ", &here, 1);
    let tools = Tools::new("eval");
    let ran = tools.command("bash").args(["-c", &line]).output();
    let shown = printed(&ran.expect("bash"));
    assert!(shown.lines().any(|line| line == id.to_string()), "{shown}");
    assert_eq!(orders.stats().await.unwrap().claimed, 1);
}

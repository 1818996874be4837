//! `marconi health`, `marconi gc`

use serde_json::json;

use crate::common::Server;
use crate::{Run, command, finish, names};

fn on(server: &Server, args: &[&str]) -> Run {
    finish(command().env("MARCONI_REDIS", server.url()).args(args), b"")
}

#[test]
fn health_says_what_was_tried_and_what_there_is() {
    let server = Server::start(&[]);
    on(
        &server,
        &["-p", "shop", "post", "orders", "--create", "1", "2"],
    )
    .ok();
    on(&server, &["-p", "shop", "claim", "orders", "--limit", "1"]).ok();
    let health = on(&server, &["--json", "health"]).ok().json();
    assert_eq!(names(&health), ["operations", "reachable", "volume"]);
    assert_eq!(health["reachable"], true);
    let operations = health["operations"].as_array().unwrap();
    let tried: Vec<_> = operations
        .iter()
        .map(|o| o["operation"].as_str().unwrap())
        .collect();
    assert_eq!(
        tried,
        [
            "create_queue",
            "post",
            "claim",
            "list",
            "delete_message",
            "delete_claim",
            "bulk_delete",
            "delete_queue"
        ]
    );
    assert_eq!(names(&operations[0]), ["error", "operation", "took_us"]);
    assert!(operations.iter().all(|o| o["error"].is_null()));
    assert_eq!(
        health["volume"],
        json!({"queues": 1, "unreadable": 0, "free": 1, "claimed": 1, "delayed": 0, "total": 2})
    );
    let text = on(&server, &["health"]).ok().out;
    assert!(
        text.contains("2 messages in 1 queue: 1 free, 1 claimed"),
        "{text}"
    );
    let ping = on(&server, &["--json", "health", "--ping"]).ok().json();
    assert_eq!(ping, json!({"reachable": true}));
}

#[test]
fn what_failed_makes_health_1_and_a_lost_server_69() {
    let server = Server::start(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]);
    let run = on(&server, &["--json", "health"]);
    assert_eq!(run.status, 1, "{run:?}");
    let failed = &run.json()["operations"][0]["error"];
    assert_eq!(failed["word"], "TRANSPORT");
    let nowhere = command()
        .args(["--redis", "redis://127.0.0.1:1", "--json", "health"])
        .output();
    assert_eq!(nowhere.unwrap().status.code(), Some(69));
}

#[test]
fn gc_looks_at_the_queues_of_one_project_or_of_all() {
    let server = Server::start(&[]);
    for (project, verb) in [
        ("a", "topic"),
        ("a", "queue"),
        ("b", "queue"),
        ("c", "topic"),
    ] {
        on(&server, &["-p", project, verb, "create", "x"]).ok();
    }
    let all = on(&server, &["--json", "gc"]).ok().json();
    assert_eq!(all, json!({"queues": 4, "unfinished": 0}));
    let one = on(&server, &["--json", "-p", "a", "gc"]).ok().json();
    assert_eq!(one, json!({"queues": 2, "unfinished": 0}));
}

//! `--durable`: done only once replicas, or a disk, have it.

use crate::common::{self, Server};
use crate::{Run, command, finish, queue_of};

fn marconi(server: &Server, args: &[&str]) -> Run {
    finish(command().env("MARCONI_REDIS", server.url()).args(args), b"")
}

#[test]
fn a_post_is_done_once_the_replica_has_it() {
    let primary = Server::start_tcp(&["--repl-diskless-sync-delay", "0"]);
    let port = primary.port().to_string();
    marconi(&primary, &["queue", "create", "orders"]).ok();
    let post = ["--durable", "replicas=1,within=60ms", "post", "orders", "1"];
    let post = [&["--json"], &post[..], &["--token", "t"]].concat();
    let refused = marconi(&primary, &post).refused(77, "UNCONFIRMED");
    assert_eq!(refused["outcome"], "unknown");
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains("0 of 1 replica"), "{message}");
    assert!(message.contains("done on"), "{message}");

    let _replica = Server::start(&["--replicaof", "127.0.0.1", &port]);
    // The time is that of the replica's coming up, and of the first copy.
    let patient = ["--timeout", "30s", "--durable", "replicas=1,within=20s"];
    let again = ["post", "orders", "1", "--token", "t"];
    marconi(&primary, &[&patient[..], &again].concat()).ok();
    let stats = marconi(&primary, &["--json", "stats", "orders"])
        .ok()
        .json();
    assert_eq!(stats["free"], 1);
}

#[test]
fn a_disk_is_asked_for_where_the_server_can_tell() {
    let server = Server::start(&["--appendonly", "yes"]);
    marconi(&server, &["queue", "create", "orders"]).ok();
    let post = [
        "--json",
        "--durable",
        "fsync,within=4s",
        "post",
        "orders",
        "1",
    ];
    let run = marconi(&server, &post);
    if common::version() >= (7, 2) {
        run.ok();
    } else {
        let refused = run.refused(16, "BADARG");
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains("WAITAOF"), "{message}");
    }
}

#[test]
fn a_slip_is_a_wrong_command_line_that_says_what_is_wanted() {
    let (queue, _) = queue_of(&[]);
    for slip in ["replicas", "replicas=0", "within=1s", "replicas=1,within=1"] {
        let run = crate::asked(&["--durable", slip, "post", &queue, "1"]);
        run.refused(2, "USAGE");
    }
    let all = crate::asked(&["--durable", "much", "post", &queue, "1"]).refused(2, "USAGE");
    let message = all["message"].as_str().unwrap();
    assert!(
        message.contains("replicas=N, fsync or replica-fsyncs=N"),
        "{message}"
    );
}

//! Which server, and what is said where it does not answer.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{Server, free_port};
use crate::{Run, command, finish};

const SECRET: &str = "hunter2";

fn run(args: &[&str]) -> Run {
    let run = finish(command().args(args), b"");
    assert!(!format!("{run:?}").contains(SECRET), "{run:?}");
    run
}

#[test]
fn a_server_that_is_away_is_69_and_not_done() {
    let url = format!("redis://me:{SECRET}@127.0.0.1:{}", free_port());
    let error =
        run(&["--json", "--timeout", "2s", "--redis", &url, "stats", "q"]).refused(69, "TRANSPORT");
    assert_eq!(error["outcome"], "not done");
    let told = run(&["--redis", &url, "stats", "q"]).err;
    assert!(told.starts_with("marconi: "), "{told}");
    assert!(told.contains("redis://127.0.0.1:"), "{told}");
    assert!(told.contains("MARCONI_REDIS"), "{told}");
}

#[test]
fn a_url_that_is_none_is_16_and_not_shown() {
    for url in [
        format!("http://me:{SECRET}@host"),
        format!("redis://me:{SECRET}@host:port"),
        format!("me:{SECRET}@host"),
        format!("redis://me:{SECRET}@127.0.0.1:1/not-a-database"),
    ] {
        run(&["--json", "--redis", &url, "stats", "q"]).refused(16, "BADARG");
        assert_eq!(run(&["--redis", &url, "stats", "q"]).status, 16);
    }
}

#[test]
fn a_url_in_the_wrong_place_is_not_shown() {
    let url = format!("redis://me:{SECRET}@127.0.0.1:1");
    assert_eq!(run(&["stats", "q", &url]).status, 2);
    run(&["--json", "stats", "q", &url]).refused(2, "USAGE");
}

#[test]
fn a_wrong_password_is_69_and_not_shown() {
    let server = Server::start_tcp(&["--requirepass", "right"]);
    let url = format!("redis://:{SECRET}@127.0.0.1:{}", server.port());
    let error = run(&["--json", "--redis", &url, "stats", "q"]).refused(69, "TRANSPORT");
    assert!(
        error["message"].as_str().unwrap().contains("WRONGPASS"),
        "{error}"
    );
    assert_eq!(run(&["--redis", &url, "stats", "q"]).status, 69);
    let socket = format!("{}?pass={SECRET}", server.url());
    run(&["--json", "--redis", &socket, "stats", "q"]).refused(69, "TRANSPORT");
    let right = format!("redis://:right@127.0.0.1:{}", server.port());
    run(&["--redis", &right, "queue", "create", "q"]).ok();
}

#[test]
fn the_url_comes_from_an_option_a_file_or_the_environment() {
    let server = Server::shared();
    let file = std::env::temp_dir().join(format!("marconi-url-{}", std::process::id()));
    std::fs::write(&file, format!("{}\n", server.url())).unwrap();
    let path = file.to_str().unwrap();
    let list = ["queue", "list"];
    run(&[&["--redis", &server.url()], list.as_slice()].concat()).ok();
    run(&[&["--redis-file", path], list.as_slice()].concat()).ok();
    finish(command().env("MARCONI_REDIS_FILE", path).args(list), b"").ok();
    finish(command().env("MARCONI_REDIS", server.url()).args(list), b"").ok();
    // The option comes before the environment.
    let mut both = command();
    both.env("MARCONI_REDIS", "unix:///nowhere")
        .args(["--redis-file", path])
        .args(list);
    finish(&mut both, b"").ok();
    std::fs::remove_file(&file).unwrap();
    run(&["--json", "--redis-file", path, "queue", "list"]).refused(66, "NOINPUT");
}

#[test]
fn an_answer_that_was_lost_is_75() {
    let server = Server::start(&[]);
    let url = server.url();
    run(&["--redis", &url, "queue", "create", "q"]).ok();
    // The scripts, so that the post is all that the server is asked for.
    run(&["--redis", &url, "scripts", "--load"]).ok();
    let deaf = deaf_to_answers(server.socket());
    let error = run(&["--json", "--timeout", "1s", "--redis", &deaf, "pop", "q"]);
    let error = error.refused(75, "TRANSPORT");
    assert_eq!(error["outcome"], "unknown");
}

/// The URL of a proxy to that server that keeps the answers of scripts to itself.
fn deaf_to_answers(socket: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), UnixStream::connect(&socket).unwrap());
            let (from_client, from_server) =
                (client.try_clone().unwrap(), server.try_clone().unwrap());
            let asked = Arc::new(AtomicBool::new(false));
            let is_asked = Arc::clone(&asked);
            std::thread::spawn(move || {
                pass(from_client, server, |bytes| {
                    let is_script = bytes.windows(7).any(|window| window == b"EVALSHA");
                    asked.fetch_or(is_script, Ordering::SeqCst);
                    true
                });
            });
            std::thread::spawn(move || {
                pass(from_server, client, |_| !is_asked.load(Ordering::SeqCst));
            });
        }
    });
    url
}

fn pass(mut from: impl Read, mut to: impl Write, mut lets_through: impl FnMut(&[u8]) -> bool) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if lets_through(&bytes[..count]) && to.write_all(&bytes[..count]).is_err() {
            return;
        }
    }
}

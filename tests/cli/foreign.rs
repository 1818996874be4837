//! `marconi keys` and `marconi scripts`, as a program in another language uses them.

use redis::Value;
use serde_json::json;

use crate::common::{Server, a_queue};
use crate::{answer, asked, bodies, marconi, queue_of};

/// A command, behind the back of marconi.
pub fn redis(command: &[&str]) -> Value {
    let parts: Vec<Vec<u8>> = command
        .iter()
        .map(|part| part.as_bytes().to_vec())
        .collect();
    raw(&parts)
}

fn raw(command: &[Vec<u8>]) -> Value {
    let client = redis::Client::open(Server::shared().url()).unwrap();
    let mut sent = redis::Cmd::new();
    sent.arg(command);
    sent.query(&mut client.get_connection().unwrap()).unwrap()
}

pub fn key(queue: &str, part: &str) -> String {
    let key = marconi(&["keys", queue, "--part", part]).ok().out;
    key.trim_end_matches('\n').to_owned()
}

/// Posts MessagePack by the script's own text, by nothing but what marconi says of it.
pub fn post(queue: &str, msgpack: &[u8]) {
    let text = marconi(&["scripts", "--show", "post"]).ok().out;
    let scripts = answer(&["scripts"]);
    let scripts = scripts["scripts"].as_array().unwrap();
    let post = scripts
        .iter()
        .find(|script| script["name"] == "post")
        .unwrap();
    let keys = answer(&["keys", queue]);
    let mut call = vec![b"EVAL".to_vec(), text.into_bytes()];
    let parts = post["keys"].as_array().unwrap();
    call.push(parts.len().to_string().into_bytes());
    for part in parts {
        call.push(keys[part.as_str().unwrap()].as_str().unwrap().into());
    }
    let bin = [&[0xc4, msgpack.len() as u8], msgpack].concat();
    // now, client, token, digest, max_body, ttl, delay, body
    for argument in [b"".as_slice(), b"foreign", b"", b"", b"", b"", b"", &bin] {
        call.push(argument.to_vec());
    }
    raw(&call);
}

#[test]
fn keys_say_what_scripts_rely_on_and_ask_no_server() {
    let run = crate::finish(
        crate::command().args([
            "--redis",
            "unix:///nowhere",
            "--json",
            "-p",
            "shop",
            "keys",
            "a b/{c}",
        ]),
        b"",
    )
    .ok();
    let keys = run.json();
    assert_eq!(keys["log"], "mq:{shop/a b%2F%7Bc%7D}:log");
    assert_eq!(keys.as_object().unwrap().len(), 18);
    assert_eq!(
        answer(&["--prefix", "x", "keys", "q"])["meta"],
        "x:{/q}:meta"
    );
}

#[test]
fn a_foreign_program_posts_with_keys_and_script() {
    let (queue, _) = queue_of(&[]);
    post(&queue, b"\xa5hello");
    assert_eq!(bodies(&answer(&["pop", &queue])), [json!("hello")]);
}

#[test]
fn scripts_are_shown_byte_for_byte() {
    let lua = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("lua");
    for name in ["claim", "queue/stats", "lua/post.lua"] {
        let shown = marconi(&["scripts", "--show", name]).ok().out;
        let file = name.trim_start_matches("lua/").trim_end_matches(".lua");
        let text = std::fs::read_to_string(lua.join(format!("{file}.lua"))).unwrap();
        assert!(shown == text, "{name}");
    }
    let error = asked(&["scripts", "--show", "nonsense"]).refused(2, "USAGE");
    assert!(
        error["message"].as_str().unwrap().contains("queue/stats"),
        "{error}"
    );
}

#[test]
fn scripts_say_whether_the_server_has_them() {
    let server = Server::start(&[]);
    let scripts = |more: &[&str]| {
        let mut command = crate::command();
        command
            .env("MARCONI_REDIS", server.url())
            .args(["--json", "scripts"])
            .args(more);
        let listed = crate::finish(&mut command, b"").ok().json();
        listed["scripts"].as_array().unwrap().clone()
    };
    assert!(scripts(&[]).iter().all(|script| script["loaded"] == false));
    let loaded = scripts(&["--load"]);
    assert!(loaded.iter().all(|script| script["loaded"] == true));
    for script in &loaded {
        for name in [
            "name", "file", "sha1", "keys", "args", "reply", "errors", "cost", "writes", "more",
        ] {
            assert!(!script[name].is_null(), "{name} of {script}");
        }
    }
}

#[test]
fn a_part_that_is_none_is_refused() {
    asked(&["keys", &a_queue(), "--part", "soul"]).refused(2, "USAGE");
}

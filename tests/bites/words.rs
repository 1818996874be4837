//! Refusals arrive as they were written: the word first and alone, with a detail after it.
//!
//! Guards what a client in another language goes by; newer servers put `ERR` before a reply of one
//! word, and 6.2 wraps what `redis.call` raises.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use marconi_redis::keys::Part;

use crate::common::Server;
use crate::raw::{BODY, Raw};
use crate::stage::{START, Stage};
use crate::words;

const A: &str = "11111111-1111-4111-8111-111111111111";
const B: &str = "22222222-2222-4222-8222-222222222222";
const C: &str = "33333333-3333-4333-8333-333333333333";

/// The line of an answer, as it comes over the wire.
fn line(call: &redis::Cmd) -> String {
    let mut stream = UnixStream::connect(Server::shared().socket()).unwrap();
    stream.write_all(&call.get_packed_command()).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

#[tokio::test]
async fn every_word_comes_unwrapped_and_with_a_detail() {
    let stage = Stage::new().await;
    let queue = stage.at(0);
    let mut raw = Raw::new(Server::shared(), &queue).await;
    let posted = stage.post(&["a", "b", "c"]).await;
    let [held, other, free] = [0, 1, 2].map(|n| posted[n].to_string());
    for claim in [A, B] {
        let args = words![START, claim, 60_000, 0, 1, "", "", ""];
        raw.run("claim", args).await.unwrap();
    }
    let token = words![START, "me", "t", "one", "", "", "", BODY];
    raw.run("post", token).await.unwrap();
    let missing = Raw::new(Server::shared(), &stage.named("missing", 0)).await;
    let mut later = Raw::new(Server::shared(), &stage.named("later", 0)).await;
    let schema = ["HSET", &later.key(Part::Meta), "schema", "2"];
    let _: u64 = later.command(&schema).await;

    let far = START + 60_000;
    let other_content = words![START, "me", "t", "two", "", "", "", BODY];
    let too_large = words![START, "", "", "", 1, "", "", b"\xc4\x02\xa1a"];
    let usual = words![START, "", "", "", "", "", "", BODY];
    let calls = [
        ("QUEUEGONE", missing.call("queue/get", &words![])),
        ("QUEUEGONE", missing.call("post", &usual)),
        (
            "MESSAGEGONE",
            raw.call("nack", &words![START, A, 0, "", "1-0"]),
        ),
        ("CLAIMGONE", raw.call("renew", &words![START, C, 1000, 0])),
        ("CLAIMGONE", raw.call("delete", &words![START, C, held])),
        ("CLAIMED", raw.call("delete", &words![START, "", held])),
        ("NOTCLAIMED", raw.call("delete", &words![START, A, free])),
        ("NOTYOURS", raw.call("delete", &words![START, A, other])),
        (
            "BADARG",
            raw.call("claim", &words![START, A, 0, 0, 1, "", "", ""]),
        ),
        ("BADARG", raw.call("queue/stats", &words![])),
        ("TOKENREUSED", raw.call("post", &other_content)),
        ("TOOLARGE", raw.call("post", &too_large)),
        ("NEWERSCHEMA", later.call("post", &usual)),
        (
            "MORE",
            raw.call("claim", &words![far, C, 1000, 0, 1, "", "", ""]),
        ),
        (
            "MORE",
            raw.call("claim", &words![far, A, 1000, 0, 1, "", "1", ""]),
        ),
        ("MORE", raw.call("queue/stats", &words![far])),
    ];
    for (word, call) in calls {
        let line = line(&call);
        let detail = line.strip_prefix(&format!("-{word} "));
        assert!(detail.is_some_and(|detail| detail.len() > 3), "{line}");
        assert!(!line.contains("user_script"), "{line}");
    }
}

/// Text that is cut or echoed in the middle of a character is no UTF-8 any more, and some clients take a
/// reply that is none for a broken connection.
#[tokio::test]
async fn a_refusal_is_utf_8_whatever_was_given() {
    let stage = Stage::new().await;
    let queue = stage.at(0);
    let mut raw = Raw::new(Server::shared(), &queue).await;
    stage.post(&["a"]).await;
    let claim = words![START, A, 60_000, 0, 1, "", "", ""];
    raw.run("claim", claim).await.unwrap();
    let wide = format!("x{}", "é".repeat(60));
    let broken: &[u8] = b"a\xff\xc3";
    for id in [wide.as_bytes(), broken] {
        let calls = [
            ("renew", words![START, id, 1000, 0]),
            ("release", words![START, id, ""]),
            ("claim_get", words![START, id]),
            ("delete", words![START, id, "1-1"]),
            ("nack", words![START, id, 0, "", "1-1"]),
            ("nack", words![START, A, 0, "", id]),
            ("queue/set", words![START, b"\xc4\x01\x80", id, 1]),
            ("queue/create", words![START, b"\xc4\x01\x80", id, 1]),
        ];
        for (script, args) in calls {
            let refusal = raw.run(script, args).await.unwrap_err();
            assert!(refusal.code().is_some(), "{script}: {refusal}");
        }
    }
}

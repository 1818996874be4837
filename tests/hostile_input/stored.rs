//! Keys in which somebody else has written: what was found at random by `make prove`, once each.
//!
//! Guards that an error means that nothing was changed, whatever the keys hold, and that no script goes on for ever.

use marconi_redis::keys::Part;

use crate::calls::good_call;
use crate::rig::{Answer, BODY, LATER, LIVE, NOW, OTHER, Rig};
use crate::{common, words};

/// A furnished queue in which one field of a hash is what somebody else wrote.
fn with_field(server: &common::Server, part: Part, field: &str, value: &[u8]) -> Rig {
    let mut rig = crate::furnished(server);
    let mut set = redis::cmd("HSET");
    set.arg(rig.key(part)).arg(field).arg(value);
    set.exec(&mut rig.connection).expect("a hash");
    rig
}

/// The word and text of a refusal that has changed nothing.
fn refusal(rig: &mut Rig, script: &str, now: u64) -> (String, String) {
    let before = rig.digest();
    let answer: Answer = rig.call(script, &good_call(script, now, rig));
    assert_eq!(rig.digest(), before, "{script} has changed something");
    answer.expect_err(script)
}

/// An entry can't be changed; so the log is written anew, with another envelope at this one place.
fn envelope_becomes(rig: &mut Rig, changed: &str, envelope: &[u8]) {
    let log = rig.key(Part::Log);
    let mut range = redis::cmd("XRANGE");
    let entries = range.arg(&log).arg("-").arg("+").query(&mut rig.connection);
    let entries: Vec<(String, Vec<Vec<u8>>)> = entries.expect("the log");
    rig.command(&["DEL", &log]);
    for (id, fields) in entries {
        let now = if id == changed { envelope } else { &fields[1] };
        let mut add = redis::cmd("XADD");
        let add = add.arg(&log).arg(&id).arg("m").arg(now);
        add.exec(&mut rig.connection).expect("an entry");
    }
}

#[test]
fn a_ttl_that_is_no_number_is_not_handed_out() {
    let server = common::Server::start(&[]);
    let mut rig = crate::furnished(&server);
    let held = rig.ids["held"].clone();
    // Deeper than many clients read a reply.
    let nested = [b"\x93".as_slice(), &b"\x91".repeat(1000), b"\xc0"].concat();
    envelope_becomes(&mut rig, &held, &nested);
    rig.command(&["ZREM", &rig.key(Part::Expiry), &held]);
    assert_eq!(refusal(&mut rig, "claim_get", NOW).0, "ERR");
}

#[test]
fn a_token_that_was_never_kept_for_a_post_is_taken_for_one_of_other_content() {
    let server = common::Server::start(&[]);
    let kept = b"post digest 1-1 999999999999";
    let mut rig = with_field(&server, Part::Tokens, "one more token", kept);
    assert_eq!(refusal(&mut rig, "post", NOW).0, "TOKENREUSED");
}

#[test]
fn sweep_refuses_a_cursor_that_is_no_id_and_a_record_that_is_none_before_it_writes() {
    for (part, field, value) in [
        (Part::Meta, "cursor", "nan"),
        (Part::Meta, "reaped", "1"),
        (Part::Held, OTHER, "x"),
        (Part::Held, OTHER, "1 1 1 1 1-1,x worker"),
    ] {
        let server = common::Server::start(&[]);
        let mut rig = with_field(&server, part, field, value.as_bytes());
        let (word, detail) = refusal(&mut rig, "sweep", LATER);
        assert_eq!(word, "BADARG", "{field}={value}: {detail}");
        assert!(
            detail.starts_with(&format!("{part}: ")),
            "{field}={value}: {detail}"
        );
    }
}

#[test]
fn sweep_takes_what_is_no_id_out_of_its_indexes() {
    let server = common::Server::start(&[]);
    let mut rig = crate::furnished(&server);
    for part in [Part::Delayed, Part::Expiry, Part::Returned] {
        let key = rig.key(part);
        rig.command(&["ZADD", &key, "0", "!x"]);
    }
    for _ in 0..20 {
        rig.sweep(NOW + 1_300_000_000);
    }
    for part in [Part::Delayed, Part::Expiry, Part::Returned] {
        let key = rig.key(part);
        assert_eq!(
            rig.command(&["EXISTS", &key]),
            redis::Value::Int(0),
            "{part}"
        );
    }
}

/// A list whose first element lacks all but its first byte.
const NONSENSE: &[u8] = b"\x93\xd9";

#[test]
fn what_is_no_envelope_is_kept_as_it_is_when_its_claims_are_used_up() {
    let server = common::Server::start(&[]);
    let mut rig = crate::furnished(&server);
    let (tries, held) = (rig.key(Part::Tries), rig.ids["held"].clone());
    rig.command(&["HSET", &tries, &held, "1"]);
    envelope_becomes(&mut rig, &held, NONSENSE);
    rig.done("release", words![NOW, LIVE, ""]);
    let dead = rig.key(Part::Dead);
    let letters = redis::cmd("XRANGE")
        .arg(&dead)
        .arg("-")
        .arg("+")
        .query(&mut rig.connection);
    let letters: Vec<(String, Vec<Vec<u8>>)> = letters.expect("the letters");
    assert_eq!(letters.last().expect("a letter").1[1], NONSENSE);
    rig.check();
}

#[test]
fn what_has_no_number_for_its_waiters_or_tokens_goes_on_all_the_same() {
    let server = common::Server::start(&[]);
    let mut rig = with_field(&server, Part::Meta, "waiting_until", b"x");
    let nack = good_call("nack", NOW, &rig);
    rig.done("nack", nack);
    let server = common::Server::start(&[]);
    let mut rig = with_field(&server, Part::Meta, "tokens_since", b"x");
    let post = good_call("post", NOW, &rig);
    rig.done("post", post);
}

#[test]
fn a_queue_whose_ids_lie_past_all_clocks_can_be_deleted() {
    let server = common::Server::start(&[]);
    let mut rig = crate::furnished(&server);
    let log = rig.key(Part::Log);
    rig.command(&["XSETID", &log, "18446744073709551615-0"]);
    rig.done("queue/delete", words![NOW]);
}

#[test]
fn a_post_that_would_run_out_of_ids_is_taken_back() {
    let server = common::Server::start(&[]);
    let mut rig = crate::furnished(&server);
    let log = rig.key(Part::Log);
    rig.command(&["XSETID", &log, "99999999999999-9007199254740991"]);
    let length = rig.command(&["XLEN", &log]);
    let message = words!["", "", BODY];
    let args = words!["", "me", "", "", "", &message[..], &message[..]];
    let (word, detail) = rig.call("post", &args).expect_err("no ids are left");
    assert_eq!((&*word, &detail[..5]), ("BADARG", "log: "));
    assert_eq!(rig.command(&["XLEN", &log]), length);
}

#[test]
fn the_catalogue_refuses_a_count_that_is_no_number_before_it_writes() {
    for (script, pool) in [
        ("control/catalogue/delete", "plain"),
        ("control/catalogue/insert", "fast"),
    ] {
        let server = common::Server::start(&[]);
        let mut rig = with_field(&server, Part::PoolQueues, pool, b"x");
        let (word, detail) = refusal(&mut rig, script, NOW);
        assert_eq!(word, "BADARG", "{script}: {detail}");
        assert!(detail.starts_with("pool_queues: "), "{script}: {detail}");
    }
}

#[test]
fn a_later_schema_is_told_in_text_whoever_wrote_it() {
    for (part, script) in [
        (Part::Meta, "claim"),
        (Part::State, "control/pool/get"),
        (Part::Subscriptions, "subscription/list"),
    ] {
        let server = common::Server::start(&[]);
        let mut rig = with_field(&server, part, "schema", b"\xff\n2");
        let (word, detail) = refusal(&mut rig, script, NOW);
        assert_eq!((&*word, &detail[..3]), ("NEWERSCHEMA", "??2"), "{script}");
    }
}

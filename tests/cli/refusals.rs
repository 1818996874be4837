//! Each refusal's word and exit status.

use serde_json::json;

use crate::common::a_queue;
use crate::{answer, asked, marconi, queue_of};

const NOBODY: &str = "b3a7c1d0-0000-4000-8000-00000000dead";

#[test]
fn a_missing_queue_is_10() {
    let queue = a_queue();
    for args in [
        ["stats", &queue].as_slice(),
        &["queue", "show", &queue],
        &["queue", "purge", &queue],
    ] {
        let error = asked(args).refused(10, "QUEUEGONE");
        assert_eq!(
            (&error["queue"], &error["outcome"]),
            (&json!(queue), &json!("not done"))
        );
    }
}

#[test]
fn a_missing_message_is_11_and_the_others_are_shown() {
    let (queue, ids) = queue_of(&["1"]);
    let run = asked(&["get", &queue, "1-0", &ids[0], "nonsense"]);
    assert_eq!(run.status, 11);
    assert_eq!(run.json()["messages"][0]["body"], 1);
    assert_eq!(run.json()["gone"], json!(["1-0", "nonsense"]));
}

#[test]
fn a_missing_claim_is_12() {
    let (queue, ids) = queue_of(&["1"]);
    for claim in [NOBODY, "nonsense"] {
        let error = asked(&["renew", &queue, claim]).refused(12, "CLAIMGONE");
        assert_eq!(error["id"], claim);
    }
    asked(&["release", &queue, "nonsense"]).refused(12, "CLAIMGONE");
    asked(&["nack", &queue, NOBODY, &ids[0]]).refused(12, "CLAIMGONE");
    asked(&["delete", &queue, &ids[0], "--claim", "nonsense"]).refused(12, "CLAIMGONE");
}

#[test]
fn deletes_that_are_refused_are_13_14_15() {
    let (queue, ids) = queue_of(&["1", "2", "3"]);
    let claim = || {
        answer(&["claim", &queue, "--limit", "1"])["claim"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (one, two) = (claim(), claim());
    let error = asked(&["delete", &queue, &ids[0]]).refused(13, "CLAIMED");
    assert_eq!(error["id"], ids[0]);
    asked(&["delete", &queue, &ids[2], "--claim", &one]).refused(14, "NOTCLAIMED");
    asked(&["delete", &queue, &ids[0], "--claim", &two]).refused(15, "NOTYOURS");
    asked(&["delete", &queue, &ids[0], "--claim", NOBODY]).refused(12, "CLAIMGONE");
    assert_eq!(answer(&["stats", &queue])["total"], 3);
}

#[test]
fn an_argument_out_of_bounds_is_16() {
    let (queue, _) = queue_of(&[]);
    asked(&["claim", &queue, "--ttl", "0s"]).refused(16, "BADARG");
    asked(&["claim", &queue, "--limit", "0"]).refused(16, "BADARG");
    asked(&["claim", &queue, "--limit", "251"]).refused(16, "BADARG");
    asked(&["stats", ""]).refused(16, "BADARG");
    asked(&["post", &queue, "--ttl", "1s", "--delay", "1s", "1"]).refused(16, "BADARG");
}

#[test]
fn a_claim_id_that_is_none_is_refused() {
    let (queue, _) = queue_of(&[]);
    asked(&["claim", &queue, "--id", "mine"]).refused(2, "USAGE");
}

#[test]
fn a_queue_of_a_later_version_is_19() {
    let (queue, _) = queue_of(&[]);
    let keys = answer(&["keys", &queue]);
    crate::foreign::redis(&["HSET", keys["meta"].as_str().unwrap(), "schema", "999"]);
    asked(&["stats", &queue]).refused(19, "NEWERSCHEMA");
}

#[test]
fn a_duration_without_a_unit_is_refused_with_what_to_type() {
    let (queue, _) = queue_of(&[]);
    let run = marconi(&["claim", &queue, "--ttl", "100"]);
    assert_eq!(run.status, 2);
    assert!(run.err.contains("100s"), "{}", run.err);
    for duration in ["", "-1s", "1.5h", "5 m", "1week", "1e3s"] {
        asked(&["claim", &queue, &format!("--ttl={duration}")]).refused(2, "USAGE");
    }
}

#[test]
fn what_was_typed_is_told_without_its_control_characters() {
    let (queue, _) = queue_of(&[]);
    let told = marconi(&["get", &queue, "\u{1b}[2J\n"]).err;
    assert!(told.contains(r"\u001b[2J\u000a"), "{told:?}");
}

#[test]
fn a_refusal_is_one_line_with_the_queue_and_what_to_do() {
    let queue = a_queue();
    let run = marconi(&["stats", &queue]);
    let wanted =
        format!("marconi: {queue}: no such queue; make it with: marconi queue create '{queue}'\n");
    assert_eq!(run.err.replace('\'', ""), wanted.replace('\'', ""));
    assert_eq!(run.out, "");
}

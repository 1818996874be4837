//! `marconi claim`, `renew`, `release`, `nack`, `delete`

use serde_json::{Value, json};

use crate::{answer, asked, bodies, marconi, names, queue_of};

fn claim(queue: &str, limit: &str) -> (String, Value) {
    let claimed = answer(&["claim", queue, "--ttl", "100s", "--limit", limit]);
    (
        claimed["claim"]["id"].as_str().expect("a claim").to_owned(),
        claimed,
    )
}

#[test]
fn a_claim_says_what_scripts_rely_on() {
    let (queue, ids) = queue_of(&[r#"{"n":1}"#, "2", "3"]);
    let claimed = answer(&[
        "claim", &queue, "--ttl", "100s", "--grace", "5m", "--limit", "2",
    ]);
    assert_eq!(names(&claimed), ["claim", "messages"]);
    assert_eq!(
        names(&claimed["claim"]),
        ["fence", "grace_ms", "id", "ttl_ms"]
    );
    assert_eq!(claimed["claim"]["ttl_ms"], 100_000);
    assert_eq!(claimed["claim"]["grace_ms"], 300_000);
    assert!(claimed["claim"]["fence"].as_u64().unwrap() > 1_600_000_000_000_000);
    assert_eq!(
        names(&claimed["messages"][0]),
        ["age_ms", "body", "claims", "id", "ttl_ms"]
    );
    assert_eq!(claimed["messages"][0]["id"], ids[0]);
    assert_eq!(claimed["messages"][0]["claims"], 1);
    assert_eq!(claimed["messages"][0]["ttl_ms"], 14 * 86_400_000);
    assert_eq!(bodies(&claimed), [json!({"n": 1}), json!(2)]);
}

#[test]
fn nothing_to_claim_is_null_and_status_0_unless_asked_otherwise() {
    let (queue, _) = queue_of(&[]);
    assert_eq!(
        answer(&["claim", &queue]),
        json!({"claim": null, "messages": []})
    );
    let run = marconi(&["claim", &queue]).ok();
    assert_eq!(
        (run.out.as_str(), run.err.as_str()),
        ("", "nothing to claim\n")
    );
    assert_eq!(marconi(&["claim", &queue, "--exit-status"]).status, 3);
    assert_eq!(marconi(&["claim", "no such queue"]).ok().out, "");
}

#[test]
fn a_claim_repeated_by_its_id_is_the_same_claim() {
    let (queue, _) = queue_of(&["1", "2"]);
    let id = "b3a7c1d0-0000-4000-8000-000000000001";
    let first = answer(&[
        "claim", &queue, "--id", id, "--limit", "1", "--worker", "w1",
    ]);
    let second = answer(&["claim", &queue, "--id", id, "--limit", "2"]);
    assert_eq!(first["claim"], second["claim"]);
    assert_eq!(bodies(&second), [json!(1)]);
}

#[test]
fn renew_gives_new_times() {
    let (queue, _) = queue_of(&["1"]);
    let (id, claimed) = claim(&queue, "1");
    let renewed = answer(&["renew", &queue, &id, "--ttl", "2h", "--grace", "1s"]);
    let fence = &claimed["claim"]["fence"];
    let wanted =
        json!({"claim": {"id": id, "ttl_ms": 7_200_000, "grace_ms": 1_000, "fence": fence}});
    assert_eq!(renewed, wanted);
}

#[test]
fn release_frees_all_and_a_repeat_none() {
    let (queue, _) = queue_of(&["1", "2"]);
    let (id, _) = claim(&queue, "2");
    assert_eq!(answer(&["release", &queue, &id]), json!({"released": 2}));
    assert_eq!(answer(&["release", &queue, &id]), json!({"released": 0}));
    let (_, again) = claim(&queue, "2");
    assert_eq!(
        (bodies(&again), &again["messages"][0]["claims"]),
        (vec![json!(1), json!(2)], &json!(2))
    );
}

#[test]
fn a_release_untried_hands_the_try_back() {
    let (queue, _) = queue_of(&["1"]);
    let (id, _) = claim(&queue, "1");
    assert_eq!(
        answer(&["release", &queue, &id, "--untried"]),
        json!({"released": 1})
    );
    assert_eq!(claim(&queue, "1").1["messages"][0]["claims"], 1);
}

#[test]
fn nack_frees_single_messages_now_or_later() {
    let (queue, ids) = queue_of(&["1", "2", "3"]);
    let (id, _) = claim(&queue, "3");
    assert_eq!(
        answer(&["nack", &queue, &id, &ids[0]]),
        json!({"released": 1})
    );
    assert_eq!(
        answer(&["nack", &queue, &id, &ids[1], "--delay", "1h"]),
        json!({"released": 1})
    );
    let stats = answer(&["stats", &queue]);
    assert_eq!(
        (&stats["free"], &stats["claimed"], &stats["delayed"]),
        (&json!(1), &json!(1), &json!(1))
    );
    asked(&["nack", &queue, &id, &ids[0]]).refused(14, "NOTCLAIMED");
}

#[test]
fn delete_under_its_claim_works_and_repeats_silently() {
    let (queue, ids) = queue_of(&["1", "2"]);
    let (id, _) = claim(&queue, "2");
    assert_eq!(
        answer(&["delete", &queue, &ids[0], &ids[1], "--claim", &id]),
        json!({"deleted": 2})
    );
    assert_eq!(
        answer(&["delete", &queue, &ids[0], "--claim", &id]),
        json!({"deleted": 0})
    );
}

#[test]
fn a_lapsed_claim_is_gone_by_the_time_given() {
    let (queue, _) = queue_of(&[]);
    let at = |ms: &'static str, args: &[&str]| asked(&[&["--now", ms], args].concat());
    at("1000000", &["post", &queue, "--ttl", "1h", "1"]).ok();
    let claimed = at("1000000", &["claim", &queue, "--ttl", "100s"]).json();
    let id = claimed["claim"]["id"].as_str().unwrap();
    at(
        "1099999",
        &["renew", &queue, id, "--ttl", "1ms", "--grace", "0s"],
    )
    .ok();
    at("1100000", &["renew", &queue, id]).refused(12, "CLAIMGONE");
    let again = at("1100000", &["claim", &queue, "--ttl", "100s"]).json();
    assert_eq!(again["messages"][0]["claims"], 2);
    assert_eq!(again["messages"][0]["age_ms"], 100_000);
}

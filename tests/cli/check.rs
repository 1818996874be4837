//! `marconi check`

use serde_json::json;

use crate::common::a_queue;
use crate::foreign::{key, redis};
use crate::{answer, asked, marconi, names, queue_of};

#[test]
fn a_sound_queue_has_no_violation() {
    let (queue, _) = queue_of(&["1", "2"]);
    answer(&["claim", &queue, "--limit", "1"]);
    let report = answer(&["check", &queue]);
    assert_eq!(names(&report), ["queues", "topics", "violations"]);
    assert_eq!(
        (&report["queues"], &report["violations"]),
        (&json!(1), &json!([]))
    );
    let run = marconi(&["check", &queue]).ok();
    assert_eq!(run.out, "");
    assert!(run.err.ends_with("0 violations\n"), "{run:?}");
}

#[test]
fn a_claim_without_its_record_is_found() {
    let (queue, _) = queue_of(&["1", "2"]);
    let claimed = answer(&["claim", &queue]);
    let claim = claimed["claim"]["id"].as_str().unwrap();
    redis(&["HDEL", &key(&queue, "held"), claim]);
    let run = asked(&["check", &queue]);
    assert_eq!((run.status, run.err.as_str()), (1, ""));
    let violations = run.json()["violations"].clone();
    let first = &violations[0];
    assert_eq!(names(first), ["about", "part", "project", "queue", "what"]);
    assert_eq!(first["queue"], queue);
    let told = marconi(&["check", &queue]);
    assert_eq!(told.status, 1);
    assert_eq!(
        told.out.lines().count(),
        violations.as_array().unwrap().len()
    );
    assert!(told.out.contains(claim), "{}", told.out);
}

#[test]
fn repair_says_of_each_violation_what_became_of_it() {
    let (queue, _) = queue_of(&["1", "2"]);
    let mend = ["check", &queue, "--repair"];
    assert_eq!(answer(&mend)["violations"], json!([]));
    let claimed = answer(&["claim", &queue, "--limit", "1"]);
    let claim = claimed["claim"]["id"].as_str().unwrap();
    redis(&["HDEL", &key(&queue, "held"), claim]);
    let run = marconi(&mend);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.err.contains("violations, 0 left\n"), "{run:?}");
    assert!(
        run.out.lines().all(|line| line.contains("; mended: ")),
        "{run:?}"
    );
    assert_eq!(answer(&["check", &queue])["violations"], json!([]));
    let all = answer(&["claim", &queue, "--limit", "10"]);
    assert_eq!(all["messages"].as_array().unwrap().len(), 2);

    redis(&["XADD", &key(&queue, "log"), "*", "m", "no envelope"]);
    redis(&["HSET", &key(&queue, "tries"), "7-7", "1"]);
    let run = asked(&mend);
    assert_eq!(run.status, 1, "{run:?}");
    let violations = run.json()["violations"].clone();
    let mended: Vec<_> = violations
        .as_array()
        .unwrap()
        .iter()
        .map(|v| &v["mended"])
        .collect();
    assert_eq!(mended, [&json!(true), &json!(false)]);
    let keys = [
        "about", "done", "mended", "part", "project", "queue", "what",
    ];
    assert_eq!(names(&violations[1]), keys);
    assert!(violations[1]["done"].as_str().unwrap().contains("XDEL"));
}

#[test]
fn all_queues_of_a_project_are_looked_at() {
    let project = a_queue();
    for queue in ["a", "b", "c"] {
        answer(&["-p", &project, "post", queue, "--create", "1"]);
    }
    assert_eq!(answer(&["-p", &project, "check"])["queues"], 3);
    let claimed = answer(&["-p", &project, "claim", "b"]);
    let keys = answer(&["-p", &project, "keys", "b"]);
    let claim = claimed["claim"]["id"].as_str().unwrap();
    redis(&["ZREM", keys["claims"].as_str().unwrap(), claim]);
    let run = marconi(&["-p", &project, "check"]);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(
        run.out
            .lines()
            .all(|line| line.starts_with(&format!("{project}/b: "))),
        "{run:?}"
    );
}

#[test]
fn topics_are_looked_at_too_and_are_told_from_the_queues_of_their_names() {
    let project = a_queue();
    let run = |args: &[&str]| marconi(&[&["-p", &project], args].concat());
    answer(&["-p", &project, "post", "news", "--create", "1"]);
    for topic in ["news", "weather"] {
        answer(&["-p", &project, "topic", "post", topic, "--create", "1"]);
    }
    let report = answer(&["-p", &project, "check"]);
    assert_eq!(report, json!({"queues": 1, "topics": 2, "violations": []}));
    assert!(
        run(&["check"])
            .err
            .contains("1 queue, 2 topics: 0 violations")
    );
    redis(&[
        "HSET",
        &format!("mq.topics:{{{project}/news}}:tries"),
        "7-7",
        "1",
    ]);
    let found = run(&["check"]);
    assert_eq!(found.status, 1, "{found:?}");
    let whose = format!("topic {project}/news: ");
    assert!(
        found.out.lines().all(|line| line.starts_with(&whose)),
        "{found:?}"
    );
    let found = asked(&["-p", &project, "check", "--topic", "news"]).json();
    assert_eq!((&found["queues"], &found["topics"]), (&json!(0), &json!(1)));
    let first = &found["violations"][0];
    assert_eq!(names(first), ["about", "part", "project", "topic", "what"]);
    assert_eq!(first["topic"], "news");
    assert_eq!(run(&["check", "news"]).status, 0);
    assert_eq!(run(&["check", "--topic", "weather"]).status, 0);
    assert_eq!(run(&["check", "--topic"]).status, 2);
}

//! `marconi topic …`

use serde_json::{Value, json};

use crate::common::a_queue;
use crate::{answer, asked, bodies, fed, marconi, names};

#[test]
fn a_topic_is_made_posted_to_and_read_by_everybody() {
    let topic = a_queue();
    assert_eq!(
        answer(&["topic", "create", &topic]),
        json!({"created": true})
    );
    assert_eq!(
        answer(&["topic", "create", &topic]),
        json!({"created": false})
    );
    let posted = answer(&["topic", "post", &topic, "1", r#"{"a":2}"#]);
    let ids = crate::texts(&posted["ids"]);
    for _reader in 0..2 {
        let page = answer(&["topic", "read", &topic, "--limit", "1"]);
        assert_eq!(
            (bodies(&page), &page["end"]),
            (vec![json!(1)], &json!(false))
        );
        assert_eq!(page["marker"], ids[0]);
        let rest = answer(&["topic", "read", &topic, "--marker", &ids[0]]);
        assert_eq!(
            (bodies(&rest), &rest["end"]),
            (vec![json!({"a": 2})], &json!(true))
        );
    }
    // At the end the marker stays, for what comes.
    let none = answer(&["topic", "read", &topic, "--marker", &ids[1]]);
    assert_eq!(none, json!({"messages": [], "marker": ids[1], "end": true}));
    let run = asked(&["topic", "read", &topic, "--marker", &ids[1], "-e"]);
    assert_eq!(run.status, 3);
    fed(&["topic", "post", &topic, "--token", "t"], b"3\n\n4\n").ok();
    fed(&["topic", "post", &topic, "--token", "t"], b"3\n\n4\n").ok();
    let stats = answer(&["topic", "stats", &topic]);
    assert_eq!(
        names(&stats),
        ["delayed", "free", "newest", "oldest", "total"]
    );
    assert_eq!(stats["total"], 4);
    assert_eq!(answer(&["topic", "purge", &topic]), json!({"purged": 4}));
    assert_eq!(
        answer(&["topic", "delete", &topic]),
        json!({"deleted": true})
    );
    assert_eq!(
        answer(&["topic", "delete", &topic]),
        json!({"deleted": false})
    );
}

#[test]
fn metadata_of_a_topic_are_shown_and_changed() {
    let topic = a_queue();
    answer(&[
        "topic",
        "create",
        &topic,
        "--metadata",
        r#"{"a":1,"b":2}"#,
        "--ttl",
        "1h",
    ]);
    let set = answer(&[
        "topic",
        "set",
        &topic,
        "--unset",
        "a",
        "--delay",
        "1s",
        "--max-post",
        "99",
    ]);
    let wanted = json!({
        "b": 2, "_default_message_ttl": 3_600_000, "_default_message_delay": 1_000,
        "_max_messages_post_size": 99,
    });
    assert_eq!(set["metadata"], wanted);
    let shown = answer(&["topic", "show", &topic]);
    assert_eq!(shown, json!({"topic": topic, "metadata": wanted}));
    let set = answer(&["topic", "set", &topic, "--replace"]);
    assert_eq!(set["metadata"], json!({}));
    asked(&["topic", "set", &topic]).refused(2, "USAGE");
    // What is no object is refused alike for queues, and not repeated: there may be a secret in it.
    for kind in ["topic", "queue"] {
        for text in [r#"["secret"]"#, r#""secret""#, r#"{"a":secret}"#] {
            let run = asked(&[kind, "create", &topic, "--metadata", text]);
            let told = run.refused(65, "BADINPUT")["message"].to_string();
            assert!(told.contains("--metadata is no JSON object"), "{told}");
            assert!(told.contains(&topic) && !told.contains("secret"), "{told}");
        }
    }
}

#[test]
fn topics_are_listed_and_queues_are_not() {
    let project = a_queue();
    for topic in ["b", "a.1", "c"] {
        answer(&["-p", &project, "topic", "create", topic]);
    }
    answer(&["-p", &project, "queue", "create", "queue"]);
    let listed = |more: &[&str]| {
        let page = answer(&[&["-p", &project, "topic", "list"], more].concat());
        let names = page["topics"].as_array().unwrap().iter();
        let names: Vec<Value> = names.map(|topic| topic["name"].clone()).collect();
        (json!(names), page["marker"].clone())
    };
    assert_eq!(listed(&[]), (json!(["a.1", "b", "c"]), Value::Null));
    assert_eq!(listed(&["--limit", "2"]), (json!(["a.1", "b"]), json!("b")));
    assert_eq!(listed(&["--contains", "."]).0, json!(["a.1"]));
    let page = answer(&["-p", &project, "topic", "list", "--metadata"]);
    assert_eq!(page["topics"][0], json!({"name": "a.1", "metadata": {}}));
    let run = asked(&["-p", &a_queue(), "topic", "list", "-e"]);
    assert_eq!(run.status, 3);
}

#[test]
fn a_missing_topic_is_30_and_posting_makes_it_only_where_asked() {
    let topic = a_queue();
    for args in [
        ["topic", "stats", &topic].as_slice(),
        &["topic", "show", &topic],
        &["topic", "purge", &topic],
        &["topic", "post", &topic, "1"],
        &["topic", "set", &topic, "--ttl", "1h"],
    ] {
        let error = asked(args).refused(30, "TOPICGONE");
        assert_eq!(error["topic"], topic);
    }
    let told = marconi(&["topic", "stats", &topic]).err;
    assert!(told.contains("topic create"), "{told}");
    answer(&["topic", "post", &topic, "--create", "1"]);
    assert_eq!(answer(&["topic", "stats", &topic])["total"], 1);
    // A queue of that name there is none.
    asked(&["stats", &topic]).refused(10, "QUEUEGONE");
}

//! `marconi queue …`, `stats`

use serde_json::{Value, json};

use crate::common::a_queue;
use crate::{answer, asked, fed, marconi, names, queue_of};

#[test]
fn create_says_whether_it_was_new() {
    let queue = a_queue();
    assert_eq!(
        answer(&["queue", "create", &queue]),
        json!({"created": true})
    );
    assert_eq!(
        answer(&["queue", "create", &queue]),
        json!({"created": false})
    );
}

#[test]
fn settings_are_shown_as_they_were_given() {
    let queue = a_queue();
    let dead = format!("{queue}.dead");
    answer(&[
        "queue",
        "create",
        &queue,
        "--metadata",
        r#"{"team":"billing"}"#,
        "--ttl",
        "2d",
        "--delay",
        "1s",
        "--max-claims",
        "5",
        "--dead-letters",
        &dead,
        "--dead-letter-ttl",
        "1h",
        "--max-post",
        "1000",
    ]);
    let shown = answer(&["queue", "show", &queue]);
    assert_eq!(names(&shown), ["metadata", "queue"]);
    assert_eq!(
        shown["metadata"],
        json!({
            "team": "billing",
            "_default_message_ttl": 172_800_000,
            "_default_message_delay": 1_000,
            "_max_claim_count": 5,
            "_dead_letter_queue": dead,
            "_dead_letter_queue_messages_ttl": 3_600_000,
            "_max_messages_post_size": 1_000,
        })
    );
}

#[test]
fn set_changes_what_it_names_and_no_more() {
    let queue = a_queue();
    answer(&[
        "queue",
        "create",
        &queue,
        "--metadata",
        r#"{"a":1,"b":2}"#,
        "--ttl",
        "1h",
    ]);
    let set = answer(&["queue", "set", &queue, "--max-claims", "3", "--unset", "a"]);
    let wanted = json!({"b": 2, "_default_message_ttl": 3_600_000, "_max_claim_count": 3});
    assert_eq!(set["metadata"], wanted);
    assert_eq!(answer(&["queue", "show", &queue])["metadata"], wanted);
    let set = answer(&[
        "queue",
        "set",
        &queue,
        "--replace",
        "--metadata",
        r#"{"c":[null]}"#,
    ]);
    assert_eq!(set["metadata"], json!({"c": [null]}));
    asked(&["queue", "set", &queue]).refused(2, "USAGE");
    asked(&["queue", "set", &queue, "--metadata", "[1]"]).refused(65, "BADINPUT");
}

#[test]
fn queues_are_listed_in_name_order_by_pages() {
    let project = a_queue();
    for queue in ["b", "a/2", "a.1", "c"] {
        answer(&["--project", &project, "queue", "create", queue]);
    }
    let listed = |more: &[&str]| {
        let page = answer(&[&["-p", &project, "queue", "list"], more].concat());
        let names = page["queues"].as_array().unwrap().iter();
        let names: Vec<Value> = names.map(|queue| queue["name"].clone()).collect();
        (json!(names), page["marker"].clone())
    };
    assert_eq!(listed(&[]), (json!(["a.1", "a/2", "b", "c"]), Value::Null));
    assert_eq!(
        listed(&["--limit", "2"]),
        (json!(["a.1", "a/2"]), json!("a/2"))
    );
    assert_eq!(listed(&["--marker", "a/2"]).0, json!(["b", "c"]));
    assert_eq!(listed(&["--contains", "a"]).0, json!(["a.1", "a/2"]));
    let page = answer(&["-p", &project, "queue", "list", "--metadata"]);
    assert_eq!(page["queues"][0], json!({"name": "a.1", "metadata": {}}));
}

#[test]
fn purge_and_delete_say_what_went() {
    let (queue, _) = queue_of(&["1", "2"]);
    assert_eq!(answer(&["queue", "purge", &queue]), json!({"purged": 2}));
    assert_eq!(
        answer(&["queue", "delete", &queue]),
        json!({"deleted": true})
    );
    assert_eq!(
        answer(&["queue", "delete", &queue]),
        json!({"deleted": false})
    );
}

#[test]
fn stats_say_what_scripts_rely_on() {
    let (queue, ids) = queue_of(&["1", "2", "3"]);
    answer(&["claim", &queue, "--limit", "1"]);
    answer(&["post", &queue, "--delay", "1h", "4"]);
    let stats = answer(&["stats", &queue]);
    assert_eq!(
        names(&stats),
        [
            "claimed", "dead", "delayed", "free", "newest", "oldest", "total"
        ]
    );
    let counts = ["free", "claimed", "delayed", "total", "dead"].map(|name| &stats[name]);
    assert_eq!(json!(counts), json!([2, 1, 1, 4, 0]));
    assert_eq!(stats["oldest"]["id"], ids[0]);
    assert_eq!(names(&stats["newest"]), ["age_ms", "id"]);
    let (empty, _) = queue_of(&[]);
    assert_eq!(answer(&["stats", &empty])["oldest"], Value::Null);
}

#[test]
fn projects_do_not_see_each_other() {
    let (queue, _) = queue_of(&["1"]);
    asked(&["--project", "other", "stats", &queue]).refused(10, "QUEUEGONE");
    fed(&["-p", "other", "post", &queue, "--create"], b"1\n2\n").ok();
    assert_eq!(answer(&["-p", "other", "stats", &queue])["total"], 2);
    assert_eq!(answer(&["stats", &queue])["total"], 1);
}

#[test]
fn another_prefix_is_another_world() {
    let (queue, _) = queue_of(&["1"]);
    asked(&["--prefix", "mine", "stats", &queue]).refused(10, "QUEUEGONE");
    asked(&["--prefix", "a{b", "stats", &queue]).refused(16, "BADARG");
}

#[test]
fn quiet_says_nothing_that_was_not_asked_for() {
    let queue = a_queue();
    for args in [
        ["queue", "create", &queue].as_slice(),
        &["post", &queue, "1"],
        &["queue", "purge", &queue],
    ] {
        let run = marconi(&[&["-q"], args].concat()).ok();
        assert_eq!((run.out.as_str(), run.err.as_str()), ("", ""), "{args:?}");
    }
    assert!(marconi(&["-q", "stats", &queue]).ok().out.contains("FREE"));
}

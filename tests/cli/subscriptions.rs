//! `marconi subscription …`

use serde_json::{Value, json};

use crate::common::a_queue;
use crate::{answer, asked, marconi, names};

const HOOK: &str = "https://u:secret@shop.example/hook";

fn subscribed(queue: &str, subscriber: &str) -> String {
    let made = answer(&["subscription", "create", queue, subscriber]);
    made["id"].as_str().unwrap().to_owned()
}

#[test]
fn create_says_whether_it_was_new_and_which_it_is() {
    let queue = a_queue();
    let made = answer(&["subscription", "create", &queue, HOOK]);
    assert_eq!(
        (names(&made), &made["created"]),
        (vec!["created", "id"], &json!(true))
    );
    let again = answer(&["subscription", "create", &queue, HOOK, "--ttl", "9d"]);
    assert_eq!(again, json!({"id": made["id"], "created": false}));
}

#[test]
fn a_subscription_is_shown_with_all_there_is_to_say() {
    let queue = a_queue();
    let made = answer(&[
        "subscription",
        "create",
        &queue,
        HOOK,
        "--ttl",
        "2h",
        "--options",
        r#"{"retries":3}"#,
    ]);
    let id = made["id"].as_str().unwrap();
    let by_id = answer(&["subscription", "show", &queue, id]);
    let shown = &by_id["subscription"];
    assert_eq!(
        names(shown),
        [
            "age_ms",
            "confirmed",
            "id",
            "left_ms",
            "options",
            "subscriber",
            "ttl_ms"
        ]
    );
    // It is data, and shown as it was given.
    assert_eq!(shown["subscriber"], HOOK);
    assert_eq!(
        (&shown["ttl_ms"], &shown["confirmed"]),
        (&json!(7_200_000), &json!(false))
    );
    assert_eq!(shown["options"], json!({"retries": 3}));
    let of = answer(&["subscription", "show", &queue, "--subscriber", HOOK]);
    assert_eq!(of["subscription"]["id"], id);
    let none = answer(&["subscription", "show", &queue, "--subscriber", "x:"]);
    assert_eq!(none, json!({"subscription": null}));
    let run = asked(&["subscription", "show", &queue, "--subscriber", "x:", "-e"]);
    assert_eq!(run.status, 3);
}

#[test]
fn subscriptions_are_listed_by_pages() {
    let queue = a_queue();
    let ids: Vec<_> = (0..3)
        .map(|n| subscribed(&queue, &format!("s{n}:")))
        .collect();
    let listed = |more: &[&str]| {
        let page = answer(&[&["subscription", "list", &queue], more].concat());
        let all = page["subscriptions"].as_array().unwrap().iter();
        let all: Vec<Value> = all.map(|one| one["id"].clone()).collect();
        (json!(all), page["marker"].clone())
    };
    assert_eq!(listed(&[]), (json!(ids), Value::Null));
    assert_eq!(listed(&["--limit", "2"]), (json!(ids[..2]), json!(ids[1])));
    assert_eq!(listed(&["--marker", &ids[1]]).0, json!(ids[2..]));
    let text = marconi(&["subscription", "list", &queue]).ok().out;
    assert!(text.starts_with("ID") && text.contains("s1:"), "{text}");
    let run = asked(&["subscription", "list", &a_queue(), "-e"]);
    assert_eq!(run.status, 3);
}

#[test]
fn set_confirm_and_delete_change_what_they_name() {
    let queue = a_queue();
    let id = subscribed(&queue, HOOK);
    let set = answer(&["subscription", "set", &queue, &id, "--ttl", "3h"]);
    assert_eq!(set["subscription"]["ttl_ms"], 10_800_000);
    assert_eq!(set["subscription"]["subscriber"], HOOK);
    let confirmed = answer(&["subscription", "confirm", &queue, &id]);
    assert_eq!(confirmed, json!({"confirmed": true}));
    let set = answer(&[
        "subscription",
        "set",
        &queue,
        &id,
        "--subscriber",
        "x:",
        "--options",
        r#"{"a":[1]}"#,
    ]);
    assert_eq!(set["subscription"]["options"], json!({"a": [1]}));
    assert_eq!(set["subscription"]["confirmed"], true);
    let confirmed = answer(&["subscription", "confirm", &queue, &id, "--not"]);
    assert_eq!(confirmed, json!({"confirmed": false}));
    let delete = ["subscription", "delete", &queue, &id];
    assert_eq!(answer(&delete), json!({"deleted": true}));
    assert_eq!(answer(&delete), json!({"deleted": false}));
}

#[test]
fn refusals_have_words_of_their_own_and_show_no_uri() {
    let queue = a_queue();
    let (one, two) = (subscribed(&queue, HOOK), subscribed(&queue, "x:"));
    let error = asked(&["subscription", "show", &queue, "1-0"]).refused(31, "SUBSCRIPTIONGONE");
    assert_eq!(
        (&error["id"], &error["queue"]),
        (&json!("1-0"), &json!(queue))
    );
    asked(&["subscription", "confirm", &queue, "1-0"]).refused(31, "SUBSCRIPTIONGONE");
    asked(&["subscription", "set", &queue, "1-0", "--ttl", "1h"]).refused(31, "SUBSCRIPTIONGONE");
    let taken = asked(&["subscription", "set", &queue, &two, "--subscriber", HOOK]);
    assert_eq!(taken.refused(32, "SUBSCRIPTIONEXISTS")["id"], one);
    asked(&["subscription", "set", &queue, &one]).refused(2, "USAGE");
    asked(&["subscription", "create", &queue, HOOK, "--options", "[1]"]).refused(65, "BADINPUT");
    asked(&["subscription", "create", &queue, HOOK, "--ttl", "0s"]).refused(16, "BADARG");
    let uri = "https://hooks.example/secret";
    for args in [
        ["subscription", "show", &queue, uri].as_slice(),
        &["subscription", "delete", &queue, uri],
        &[
            "subscription",
            "create",
            &queue,
            "https://hooks.example/secret\n",
        ],
    ] {
        let run = asked(args);
        assert!(run.status == 2 || run.status == 16, "{run:?}");
        assert!(!run.err.contains("secret"), "{run:?}");
    }
}

#[test]
fn a_topics_subscriptions_are_its_own() {
    let name = a_queue();
    let id = answer(&["subscription", "create", "--topic", &name, "x:"])["id"].clone();
    let id = id.as_str().unwrap();
    asked(&["subscription", "show", &name, id]).refused(31, "SUBSCRIPTIONGONE");
    let shown = answer(&["subscription", "show", "--topic", &name, id]);
    assert_eq!(shown["subscription"]["subscriber"], "x:");
    let prefix = ["--prefix", "mine", "subscription"];
    let of_another = [&prefix[..], &["show", "--topic", &name, id]].concat();
    asked(&of_another).refused(31, "SUBSCRIPTIONGONE");
}

//! `marconi pop`, `get`, `list`, `first`

use serde_json::{Value, json};

use crate::{answer, asked, bodies, marconi, names, queue_of};

#[test]
fn pop_takes_and_deletes_in_order() {
    let (queue, ids) = queue_of(&["1", "2", "3"]);
    let popped = answer(&["pop", &queue, "--limit", "2"]);
    assert_eq!(names(&popped), ["messages"]);
    assert_eq!(
        names(&popped["messages"][0]),
        ["age_ms", "body", "claims", "id", "ttl_ms"]
    );
    assert_eq!(
        (bodies(&popped), &popped["messages"][0]["id"]),
        (vec![json!(1), json!(2)], &json!(ids[0]))
    );
    assert_eq!(answer(&["stats", &queue])["total"], 1);
}

#[test]
fn pop_repeated_with_its_token_takes_no_more() {
    let (queue, _) = queue_of(&["1", "2"]);
    let pop = || answer(&["pop", &queue, "--token", "t"]);
    assert_eq!(bodies(&pop()), bodies(&pop()));
    assert_eq!(answer(&["stats", &queue])["total"], 1);
}

#[test]
fn nothing_to_pop_is_an_empty_list() {
    let (queue, _) = queue_of(&[]);
    assert_eq!(answer(&["pop", &queue]), json!({"messages": []}));
    let run = marconi(&["pop", &queue, "-e"]);
    assert_eq!(
        (run.status, run.out.as_str(), run.err.as_str()),
        (3, "", "nothing to pop\n")
    );
}

#[test]
fn get_shows_messages_in_the_order_asked() {
    let (queue, ids) = queue_of(&["1", "2"]);
    let claimed = answer(&["claim", &queue, "--limit", "1"]);
    let shown = answer(&["get", &queue, &ids[1], &ids[0]]);
    assert_eq!(
        (bodies(&shown), &shown["gone"]),
        (vec![json!(2), json!(1)], &json!([]))
    );
    assert_eq!(shown["messages"][1]["claim"], claimed["claim"]["id"]);
    assert_eq!(shown["messages"][0]["claim"], Value::Null);
    assert_eq!(shown["messages"][0]["delay_ms"], 0);
}

#[test]
fn list_shows_what_is_free_and_more_on_request() {
    let (queue, _) = queue_of(&["1", "2"]);
    answer(&["claim", &queue, "--limit", "1"]);
    answer(&["post", &queue, "--delay", "1h", "--client", "me", "3"]);
    let listed = |more: &[&str]| json!(bodies(&answer(&[&["list", &queue], more].concat())));
    assert_eq!(listed(&[]), json!([2]));
    assert_eq!(listed(&["--claimed"]), json!([1, 2]));
    assert_eq!(listed(&["--delayed"]), json!([2, 3]));
    assert_eq!(listed(&["--all"]), json!([1, 2, 3]));
    assert_eq!(listed(&["--all", "--not-client", "me"]), json!([1, 2]));
}

#[test]
fn list_goes_on_from_its_marker() {
    let (queue, _) = queue_of(&["1", "2", "3"]);
    let page = answer(&["list", &queue, "--limit", "2"]);
    let marker = page["marker"].as_str().expect("there is more");
    let page = answer(&["list", &queue, "--limit", "2", "--marker", marker]);
    assert_eq!(
        (bodies(&page), &page["marker"]),
        (vec![json!(3)], &Value::Null)
    );
}

#[test]
fn first_is_the_oldest_or_the_newest() {
    let (queue, _) = queue_of(&["1", "2"]);
    answer(&["claim", &queue, "--limit", "1"]);
    assert_eq!(answer(&["first", &queue])["message"]["body"], 1);
    assert_eq!(answer(&["first", &queue, "--newest"])["message"]["body"], 2);
    let (empty, _) = queue_of(&[]);
    assert_eq!(answer(&["first", &empty]), json!({"message": null}));
    assert_eq!(asked(&["first", &empty, "-e"]).status, 3);
}

#[test]
fn bodies_that_json_has_no_form_for_are_shown_all_the_same() {
    let (queue, _) = queue_of(&[]);
    let body = b"\x83\xa1b\xc4\x02\x00\xff\xa1e\xd4\x05x\xa1m\x81\x01\xca\x7f\xc0\x00\x00";
    crate::foreign::post(&queue, body);
    let popped = answer(&["pop", &queue]);
    let wanted = json!({"b": {"$binary": "AP8="}, "e": {"$ext": [5, "eA=="]}, "m": {"$map": [[1, {"$float": "NaN"}]]}});
    assert_eq!(bodies(&popped), [wanted]);
}

#[test]
fn a_body_that_is_no_messagepack_hides_no_other() {
    let (queue, _) = queue_of(&[]);
    crate::foreign::post(&queue, b"\xc1");
    answer(&["post", &queue, "2"]);
    let listed = answer(&["list", &queue]);
    assert_eq!(bodies(&listed), [Value::Null, json!(2)]);
    assert!(listed["messages"][0]["unreadable"].is_string());
}

#[test]
fn control_characters_of_a_body_never_reach_a_terminal() {
    let (queue, _) = queue_of(&["\"\\u001b[2J \\u009b31m \\u007f\""]);
    let listed = marconi(&["list", &queue]).ok().out;
    assert!(
        !listed.chars().any(|c| c.is_control() && c != '\n'),
        "{listed:?}"
    );
}

#[test]
fn a_person_sees_all_of_a_message_that_was_asked_for() {
    let (queue, ids) = queue_of(&[r#"{"n":1}"#]);
    let claimed = answer(&["claim", &queue]);
    let claim = claimed["claim"]["id"].as_str().unwrap();
    for args in [["first", &queue].as_slice(), &["get", &queue, &ids[0]]] {
        let shown = marconi(args).ok().out;
        for part in [ids[0].as_str(), &format!("claimed {claim}\n"), r#"{"n":1}"#] {
            assert!(shown.contains(part), "{shown}");
        }
    }
    let listed = marconi(&["list", &queue, "--all"]).ok().out;
    assert!(
        listed.contains(&format!("claimed {} ", &claim[..8])),
        "{listed}"
    );
}

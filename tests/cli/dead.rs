//! `marconi dead …`

use serde_json::{Value, json};

use crate::common::{self, Server};
use crate::{answer, asked, bodies, marconi, names, queue_of, texts};

/// A queue whose messages die after one claim: to a dead-letter queue, or to its own store.
fn mortal(dead_letters: Option<&str>) -> String {
    let queue = common::a_queue();
    let mut create = vec!["queue", "create", &queue, "--max-claims", "1"];
    if let Some(target) = dead_letters {
        create.extend(["--dead-letters", target]);
    }
    marconi(&create).ok();
    queue
}

fn die(queue: &str, bodies: &[&str]) {
    answer(&[&["post", queue], bodies].concat());
    let claimed = answer(&["claim", queue, "--limit", "250"]);
    answer(&["release", queue, claimed["claim"]["id"].as_str().unwrap()]);
}

/// Letters that are kept in the queue.
fn with_kept(bodies: &[&str]) -> (String, Vec<String>) {
    let queue = mortal(None);
    die(&queue, bodies);
    let listed = answer(&["dead", "list", &queue, "--limit", "250"]);
    let ids = ids(&listed);
    assert_eq!(ids.len(), bodies.len());
    (queue, ids)
}

/// Letters that have arrived in the second from the first.
fn with_arrived(bodies: &[&str]) -> (String, String, Vec<String>) {
    let dead = common::a_queue();
    let source = mortal(Some(&dead));
    die(&source, bodies);
    let ids = ids(&answer(&["dead", "list", &dead, "--limit", "250"]));
    assert_eq!(ids.len(), bodies.len());
    (source, dead, ids)
}

fn letters(listed: &Value) -> &Vec<Value> {
    listed["letters"].as_array().expect("letters")
}

fn ids(listed: &Value) -> Vec<String> {
    let id = |letter: &Value| letter["id"].as_str().unwrap().to_owned();
    letters(listed).iter().map(id).collect()
}

fn there(queue: &str) -> Vec<Value> {
    bodies(&answer(&["list", queue, "--all", "--limit", "250"]))
}

/// Makes deliveries to a queue that is not there yet fail, or not.
fn block(project: &str, queue: &str, blocked: bool) {
    let client = redis::Client::open(Server::shared().url()).unwrap();
    let mut connection = client.get_connection().unwrap();
    let key = format!("mq:{{{project}/{queue}}}:meta");
    let command = if blocked { "SET" } else { "DEL" };
    let mut command = redis::cmd(command);
    command.arg(&key);
    if blocked {
        command.arg("x");
    }
    command.exec(&mut connection).unwrap();
}

#[test]
fn list_shows_what_is_kept_on_its_way_and_arrived_and_says_which() {
    let target = common::a_queue();
    let dead = mortal(None);
    let source = mortal(Some(&dead));
    die(&source, &[r#"{"n":1}"#]);
    answer(&["post", &dead, "7"]);
    // Both are claimed at once, and dead: the letter that has died twice, and the message of its own.
    let claimed = answer(&["claim", &dead]);
    answer(&["release", &dead, claimed["claim"]["id"].as_str().unwrap()]);
    block("", &target, true);
    let first = &ids(&answer(&["dead", "list", &dead]))[0];
    let sent = answer(&["dead", "redrive", &dead, first, "--to", &target]);
    assert_eq!(sent, json!({"set_out": 1, "arrived": 0, "gone": []}));
    die(&source, &["3"]);

    let listed = answer(&["dead", "list", &dead]);
    assert_eq!(names(&listed), ["letters", "marker"]);
    assert_eq!(listed["marker"], Value::Null);
    let [kept, transit, arrived] = &letters(&listed)[..] else {
        panic!("{listed}")
    };
    assert_eq!((&kept["place"], &kept["body"]), (&json!("kept"), &json!(7)));
    assert_eq!(
        names(kept),
        ["age_ms", "body", "claims", "from", "id", "place", "ttl_ms"]
    );
    assert_eq!(
        names(&kept["from"]),
        ["claims", "died", "id", "queues", "ttl_ms"]
    );
    assert_eq!(kept["from"]["ttl_ms"], 14 * 86_400_000);
    assert_eq!(names(transit), ["body", "id", "place", "redriven", "to"]);
    assert_eq!(transit["to"], format!("/{target}"));
    assert_eq!(transit["body"], json!({"n": 1}));
    assert_eq!(
        (&arrived["place"], &arrived["body"]),
        (&json!("arrived"), &json!(3))
    );
    assert_eq!(arrived["from"]["queues"], json!([format!("/{source}")]));

    let run = marconi(&["dead", "list", &dead]).ok();
    let lines: Vec<&str> = run.out.lines().collect();
    assert!(
        lines[0].starts_with("ID ") && lines[0].contains("WHERE"),
        "{run:?}"
    );
    assert!(lines[1].contains("  kept  "), "{run:?}");
    assert!(
        lines[2].contains(&format!("  on its way to /{target}  ")),
        "{run:?}"
    );
    assert!(
        lines[3].contains("  arrived  ") && lines[3].ends_with(&format!("/{source}  3")),
        "{run:?}"
    );
    block("", &target, false);
    assert_eq!(answer(&["dead", "carry", &dead]), json!({"arrived": 1}));
    assert_eq!(there(&target), [json!({"n": 1})]);
}

#[test]
fn list_goes_page_by_page_through_all_three_places_and_names_each_letter_once() {
    let target = common::a_queue();
    let dead = mortal(None);
    die(&dead, &["1", "2", "3", "4"]);
    block("", &target, true);
    let kept = ids(&answer(&["dead", "list", &dead]));
    answer(&[
        "dead", "redrive", &dead, &kept[2], &kept[3], "--to", &target,
    ]);
    let source = mortal(Some(&dead));
    die(&source, &["5", "6", "7"]);
    answer(&["post", &dead, "0"]);

    for limit in ["1", "2", "3", "6", "7"] {
        let mut seen = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let mut list = vec!["dead", "list", &dead, "--limit", limit];
            if let Some(marker) = &marker {
                list.extend(["--marker", marker]);
            }
            let page = answer(&list);
            assert!(letters(&page).len() <= limit.parse().unwrap());
            seen.extend(letters(&page).iter().map(|letter| letter["body"].clone()));
            marker = page["marker"].as_str().map(str::to_owned);
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(
            seen,
            [1, 2, 3, 4, 5, 6, 7].map(|n| json!(n)),
            "limit {limit}"
        );
    }
    asked(&["dead", "list", &dead, "--limit", "0"]).refused(16, "BADARG");
    asked(&["dead", "list", &dead, "--limit", "251"]).refused(16, "BADARG");
    asked(&["dead", "list", &dead, "--marker", "x:1-0"]).refused(2, "USAGE");
    block("", &target, false);
}

#[test]
fn list_sees_what_has_died_unseen_and_nothing_is_no_failure() {
    let queue = mortal(None);
    answer(&["--now", "1000000", "post", &queue, "1"]);
    answer(&["--now", "1000000", "claim", &queue, "--ttl", "1s"]);
    assert!(letters(&answer(&["--now", "1000999", "dead", "list", &queue])).is_empty());
    assert_eq!(
        letters(&answer(&["--now", "1001000", "dead", "list", &queue])).len(),
        1
    );
    let (empty, _) = queue_of(&["1"]);
    let run = marconi(&["dead", "list", &empty]).ok();
    assert_eq!(
        (run.out.as_str(), run.err.as_str()),
        ("", "no dead letters\n")
    );
    assert_eq!(marconi(&["dead", "list", &empty, "-e"]).status, 3);
    assert_eq!(marconi(&["dead", "list", "no such queue"]).ok().out, "");
}

#[test]
fn show_tells_all_of_a_letter_wherever_it_is() {
    let (queue, kept) = with_kept(&["1"]);
    let shown = answer(&["dead", "show", &queue, &kept[0]]);
    assert_eq!(shown["letter"]["place"], "kept");
    assert_eq!(shown["letter"]["from"]["claims"], 1);
    let text = marconi(&["dead", "show", &queue, &kept[0]]).ok().out;
    for part in [
        "state    kept\n",
        "after    1 claim\n",
        "with ttl 14d\n",
        "body     1\n",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(text.contains(&format!("died in  /{queue}\n")), "{text}");

    let (_, dead, arrived) = with_arrived(&["1"]);
    let shown = answer(&["dead", "show", &dead, &arrived[0]]);
    assert_eq!(shown["letter"]["place"], "arrived");
    let text = marconi(&["dead", "show", &dead, &arrived[0]]).ok().out;
    assert!(text.contains("state    arrived, free\n"), "{text}");

    asked(&["dead", "show", &queue, "1-1"]).refused(11, "MESSAGEGONE");
    asked(&["dead", "show", &queue, "nonsense"]).refused(11, "MESSAGEGONE");
    let (plain, ids) = queue_of(&["1"]);
    let refused = asked(&["dead", "show", &plain, &ids[0]]).refused(2, "USAGE");
    assert!(refused["message"].as_str().unwrap().contains("marconi get"));
}

#[test]
fn redrive_sends_kept_letters_to_their_queue_and_says_how_many() {
    let (queue, letters) = with_kept(&["1", "2", "3"]);
    let sent = answer(&["dead", "redrive", &queue, &letters[1], "1-1"]);
    assert_eq!(sent, json!({"set_out": 1, "arrived": 1, "gone": ["1-1"]}));
    assert_eq!(there(&queue), [json!(2)]);
    let run = marconi(&["dead", "redrive", &queue, &letters[1], &letters[0]]).ok();
    assert_eq!(run.out, "redriven 1 letter; 1 gone already\n");
    let sent = answer(&["dead", "redrive", &queue, "--all"]);
    assert_eq!(sent, json!({"set_out": 1, "arrived": 1, "gone": []}));
    assert_eq!(there(&queue), [json!(2), json!(1), json!(3)]);
    let messages = answer(&["pop", &queue, "--limit", "3"]);
    assert_eq!(messages["messages"][0]["redriven"], 1);
    assert_eq!(
        marconi(&["dead", "redrive", &queue, "--all"]).ok().out,
        "redriven 0 letters\n"
    );
}

#[test]
fn redrive_sends_arrived_letters_back_to_where_each_died() {
    let dead = common::a_queue();
    let (one, two) = (mortal(Some(&dead)), mortal(Some(&dead)));
    die(&one, &["1", "11"]);
    die(&two, &["2"]);
    answer(&["post", &dead, "0"]);
    let sent = answer(&["dead", "redrive", &dead, "--all", "--from", &two]);
    assert_eq!((&sent["set_out"], there(&two)), (&json!(1), vec![json!(2)]));
    let listed = answer(&["dead", "list", &dead]);
    let sent = answer(&["dead", "redrive", &dead, &ids(&listed)[1], "--to", &two]);
    assert_eq!(sent["arrived"], 1);
    assert_eq!(there(&two), [json!(2), json!(11)]);
    answer(&["dead", "redrive", &dead, "--all"]);
    assert_eq!(there(&one), [json!(1)]);
    assert_eq!(there(&dead), [json!(0)]);
}

#[test]
fn redrive_refuses_what_is_no_letter_or_would_not_move_before_anything_has() {
    let (source, dead, letters) = with_arrived(&["1"]);
    let plain = texts(&answer(&["post", &dead, "0"])["ids"]);
    asked(&["dead", "redrive", &dead, &letters[0], &plain[0]]).refused(2, "USAGE");
    let refused = asked(&["dead", "redrive", &dead, &letters[0], "--to", &dead]);
    assert!(
        refused.refused(2, "USAGE")["message"]
            .as_str()
            .unwrap()
            .contains("--kept")
    );
    asked(&["dead", "redrive", &dead, "--all", "--to", &dead]).refused(2, "USAGE");
    assert_eq!(
        answer(&["dead", "redrive", &dead, "--all", "--kept", "--to", &dead])["set_out"],
        0
    );
    asked(&["dead", "redrive", &dead]).refused(2, "USAGE");
    asked(&["dead", "redrive", &dead, "--all", &letters[0]]).refused(2, "USAGE");
    asked(&["dead", "redrive", &dead, "--all", "--to", ""]).refused(16, "BADARG");
    let claimed = answer(&["claim", &dead, "--limit", "1"]);
    assert_eq!(claimed["messages"][0]["id"], json!(letters[0]));
    let run = asked(&["dead", "redrive", &dead, &letters[0]]);
    run.refused(13, "CLAIMED");
    assert_eq!(run.json()["set_out"], 0);
    assert_eq!(answer(&["dead", "redrive", &dead, "--all"])["set_out"], 0);
    assert!(there(&source).is_empty());
}

#[test]
fn an_id_that_is_of_a_kept_and_of_an_arrived_letter_is_refused_until_it_is_said_which() {
    let queue = mortal(None);
    let source = mortal(Some(&queue));
    let at = |ms: &'static str, args: &[&str]| asked(&[&["--now", ms], args].concat()).ok().json();
    let kill = |ms: &'static str, queue: &str| {
        let claimed = at(ms, &["claim", queue]);
        at(
            ms,
            &["release", queue, claimed["claim"]["id"].as_str().unwrap()],
        );
    };
    at("1000000", &["post", &queue, "1"]);
    kill("2000000", &queue);
    at("1000000", &["post", &source, "2"]);
    kill("2000000", &source);
    let listed = at("2000000", &["dead", "list", &queue]);
    assert_eq!(ids(&listed), ["2000000-0", "2000000-0"]);

    let one = ["--now", "2000000", "dead", "show", &queue, "2000000-0"];
    let refused = asked(&one).refused(2, "USAGE");
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("--kept or --arrived")
    );
    let shown = asked(&[&one[..], &["--kept"]].concat()).ok().json();
    assert_eq!(shown["letter"]["body"], 1);
    let shown = asked(&[&one[..], &["--arrived"]].concat()).ok().json();
    assert_eq!(shown["letter"]["body"], 2);
    let redrive = ["--now", "2000000", "dead", "redrive", &queue, "2000000-0"];
    asked(&redrive).refused(2, "USAGE");
    asked(&[&redrive[..], &["--arrived"]].concat()).ok();
    assert_eq!(bodies(&at("2000000", &["list", &source])), [json!(2)]);
    let listed = at("2000000", &["dead", "list", &queue]);
    assert_eq!(letters(&listed)[0]["body"], 1);
    // Now that it is the only one of its id it needs no more words.
    asked(&redrive).ok();
}

#[test]
fn purge_deletes_kept_letters_and_leaves_arrived_ones_to_the_verbs_for_messages() {
    let (queue, letters) = with_kept(&["1", "2", "3"]);
    assert_eq!(
        answer(&["dead", "purge", &queue, &letters[0]]),
        json!({"purged": 1})
    );
    let run = marconi(&["dead", "purge", &queue, &letters[0], &letters[1]]).ok();
    assert_eq!(
        run.out,
        format!("purged 1 letter from {queue}; 1 gone already\n")
    );
    assert_eq!(
        answer(&["dead", "purge", &queue, "--all"]),
        json!({"purged": 1})
    );
    assert_eq!(answer(&["stats", &queue])["dead"], 0);

    let (_, dead, letters) = with_arrived(&["1"]);
    let refused = asked(&["dead", "purge", &dead, &letters[0]]).refused(2, "USAGE");
    let said = refused["message"].as_str().unwrap().to_owned();
    assert!(
        said.contains(&format!("marconi delete {dead} {}", letters[0])),
        "{said}"
    );
    assert_eq!(
        answer(&["dead", "purge", &dead, "--all"]),
        json!({"purged": 0})
    );
    assert_eq!(there(&dead), [json!(1)]);
}

#[test]
fn carry_finishes_what_waits_in_the_whole_project_deleted_queues_included() {
    let project = common::a_queue();
    let p = |args: &[&str]| answer(&[&["-p", &project], args].concat());
    block(&project, "target", true);
    for source in ["one", "two"] {
        p(&[
            "queue",
            "create",
            source,
            "--max-claims",
            "1",
            "--dead-letters",
            "target",
        ]);
        p(&["post", source, "1"]);
        let claimed = p(&["claim", source]);
        p(&["release", source, claimed["claim"]["id"].as_str().unwrap()]);
    }
    p(&["queue", "delete", "two"]);
    let listed = p(&["dead", "list", "two"]);
    assert_eq!(letters(&listed)[0]["to"], format!("{project}/target"));
    asked(&["-p", &project, "dead", "carry"]).refused(16, "BADARG");
    block(&project, "target", false);
    // Each run is a process of its own.
    assert_eq!(p(&["dead", "carry", "two"]), json!({"arrived": 1}));
    let run = marconi(&["-p", &project, "dead", "carry"]).ok();
    assert_eq!(run.out, "1 letter arrived\n");
    assert_eq!(p(&["dead", "carry"]), json!({"arrived": 0}));
    assert_eq!(bodies(&p(&["list", "target"])), [json!(1), json!(1)]);
}

#[test]
fn what_waits_on_its_way_is_told_to_people_on_standard_error() {
    let (queue, _) = with_kept(&["1", "2"]);
    let target = common::a_queue();
    block("", &target, true);
    let run = marconi(&["dead", "redrive", &queue, "--all", "--to", &target]).ok();
    assert_eq!(run.out, "redriven 2 letters\n");
    let told = format!("up to 2 of them wait on their way; see: marconi dead carry {queue}\n");
    assert_eq!(run.err, told);
    block("", &target, false);
}

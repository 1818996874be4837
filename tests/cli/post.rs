//! `marconi post`

use serde_json::json;

use crate::common::a_queue;
use crate::{answer, asked, bodies, fed, marconi, names, queue_of, texts};

#[test]
fn bodies_come_from_arguments_in_their_order() {
    let (queue, ids) = queue_of(&[r#"{"b":1,"a":[true,null]}"#, "-5", r#""text""#]);
    let mut sorted = ids.clone();
    sorted.sort();
    assert_eq!(ids, sorted);
    let listed = answer(&["list", &queue]);
    assert_eq!(
        bodies(&listed),
        [json!({"b":1,"a":[true,null]}), json!(-5), json!("text")]
    );
}

#[test]
fn the_answer_is_one_document_with_the_ids_however_many_batches() {
    let (queue, _) = queue_of(&[]);
    let lines: String = (0..600).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let run = fed(&["--json", "post", &queue], lines.as_bytes()).ok();
    assert_eq!(run.err, "");
    assert_eq!(names(&run.json()), ["ids"]);
    assert_eq!(texts(&run.json()["ids"]).len(), 600);
    assert_eq!(answer(&["stats", &queue])["free"], 600);
}

#[test]
fn a_file_is_posted_line_by_line_and_blank_lines_are_none() {
    let (queue, _) = queue_of(&[]);
    let file = std::env::temp_dir().join(format!("marconi-{}-{queue}", std::process::id()));
    std::fs::write(&file, "1\n\n  \n{\"x\":2}\n3").unwrap();
    let posted = answer(&["post", &queue, "--file", file.to_str().unwrap()]);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(texts(&posted["ids"]).len(), 3);
    assert_eq!(
        bodies(&answer(&["list", &queue])),
        [json!(1), json!({"x": 2}), json!(3)]
    );
}

#[test]
fn a_dash_is_standard_input() {
    let (queue, _) = queue_of(&[]);
    let run = fed(&["--json", "post", &queue, "--file", "-"], b"1\n2\n").ok();
    assert_eq!(texts(&run.json()["ids"]).len(), 2);
}

#[test]
fn no_input_posts_nothing() {
    let (queue, _) = queue_of(&[]);
    assert_eq!(answer(&["post", &queue]), json!({"ids": []}));
}

#[test]
fn a_missing_queue_is_refused_unless_it_is_to_be_made() {
    let queue = a_queue();
    let error = asked(&["post", &queue, "1"]).refused(10, "QUEUEGONE");
    assert_eq!(error["queue"], queue);
    assert!(
        asked(&["post", &queue]).status == 10,
        "also where there is nothing to post"
    );
    let told = marconi(&["post", &queue, "1"]).err;
    assert!(told.contains("--create"), "{told}");
    assert_eq!(
        texts(&answer(&["post", &queue, "--create", "1"])["ids"]).len(),
        1
    );
}

#[test]
fn a_repeat_with_the_token_of_the_first_adds_nothing_over_all_its_batches() {
    let (queue, _) = queue_of(&[]);
    let lines: String = (0..600).map(|n| format!("{n}\n")).collect();
    let post = || {
        fed(
            &["--json", "post", &queue, "--token", "night"],
            lines.as_bytes(),
        )
        .ok()
    };
    let (first, second) = (post().json(), post().json());
    assert_eq!(first, second);
    assert_eq!(answer(&["stats", &queue])["total"], 600);
}

#[test]
fn a_token_with_other_content_is_refused() {
    let (queue, _) = queue_of(&[]);
    answer(&["post", &queue, "--token", "t", "1"]);
    asked(&["post", &queue, "--token", "t", "2"]).refused(17, "TOKENREUSED");
}

#[test]
fn large_bodies_are_cut_into_posts_of_4_mib() {
    let (queue, _) = queue_of(&[]);
    let line = format!("\"{}\"\n", "x".repeat(200_000));
    let run = fed(&["--json", "post", &queue], line.repeat(50).as_bytes()).ok();
    assert_eq!(texts(&run.json()["ids"]).len(), 50);
}

#[test]
fn a_body_over_the_bound_is_refused() {
    let (queue, _) = queue_of(&[]);
    let line = format!("\"{}\"", "x".repeat(300_000));
    fed(&["--json", "post", &queue], line.as_bytes()).refused(18, "TOOLARGE");
}

#[test]
fn a_line_that_is_no_json_says_where_and_how_far_it_went() {
    let (queue, _) = queue_of(&[]);
    let lines: String = (0..300).map(|n| format!("{n}\n")).collect();
    let run = fed(
        &["--json", "post", &queue],
        format!("{lines}hello\n1\n").as_bytes(),
    );
    let error = run.refused(65, "BADINPUT");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("line 301"), "{message}");
    // What was posted before is told in full, so that nobody has to guess.
    let posted = texts(&run.json()["ids"]).len();
    assert_eq!(answer(&["stats", &queue])["total"], posted);
    assert_eq!(posted, 300);
    assert!(message.contains("first 300 messages"), "{message}");
}

#[test]
fn an_argument_that_is_no_json_posts_none_of_them() {
    let (queue, _) = queue_of(&[]);
    let error = asked(&["post", &queue, "1", "hello"]).refused(65, "BADINPUT");
    assert!(
        error["message"].as_str().unwrap().contains("quotes"),
        "{error}"
    );
    assert_eq!(answer(&["stats", &queue])["total"], 0);
}

#[test]
fn ttl_delay_and_client_go_with_the_messages() {
    let (queue, _) = queue_of(&[]);
    answer(&[
        "post", &queue, "--ttl", "1h", "--delay", "5m", "--client", "till-7", "1",
    ]);
    let listed = answer(&["list", &queue, "--delayed"]);
    let message = &listed["messages"][0];
    assert_eq!(
        (&message["ttl_ms"], &message["client"]),
        (&json!(3_600_000), &json!("till-7"))
    );
    assert!(message["delay_ms"].as_u64().unwrap() > 290_000);
}

#[test]
fn messages_are_there_before_the_input_ends() {
    use std::io::{BufRead, BufReader, Write};
    use std::process::Stdio;
    let (queue, _) = queue_of(&[]);
    let url = crate::common::Server::shared().url();
    let mut command = crate::command();
    command.env("MARCONI_REDIS", url).args(["post", &queue]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"{\"n\":1}\n").unwrap();
    // No signal comes from there; ask until it is there, or until the test's patience ends.
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while answer(&["stats", &queue])["free"] == 0 {
        assert!(
            std::time::Instant::now() < patience,
            "the message waits for a full batch"
        );
    }
    drop(input);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with("posted 1 message"), "{line}");
    assert!(child.wait().unwrap().success());
}

#[test]
fn posts_are_cut_to_what_the_queue_takes_at_once() {
    let queue = a_queue();
    answer(&["queue", "create", &queue, "--max-post", "1000"]);
    let line = format!("\"{}\"\n", "x".repeat(400));
    let run = fed(&["--json", "post", &queue], line.repeat(9).as_bytes()).ok();
    assert_eq!(texts(&run.json()["ids"]).len(), 9);
    let line = format!("\"{}\"", "x".repeat(1_000));
    let error = asked(&["post", &queue, &line]).refused(18, "TOOLARGE");
    assert!(
        error["message"].as_str().unwrap().contains("1000"),
        "{error}"
    );
}

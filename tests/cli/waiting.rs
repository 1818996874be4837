//! Claims and pops that wait.

use std::process::Stdio;
use std::thread;

use crate::common::Server;
use crate::{answer, bodies, command, queue_of};

#[test]
fn claim_and_pop_wait_for_what_is_posted_meanwhile() {
    for verb in ["claim", "pop"] {
        let (queue, _) = queue_of(&[]);
        let mut waiting = command();
        waiting.env("MARCONI_REDIS", Server::shared().url());
        waiting.args(["--json", verb, &queue, "--wait", "1m"]);
        let waiting = waiting.stdout(Stdio::piped()).spawn().unwrap();
        let waits = thread::spawn(move || waiting.wait_with_output().unwrap());
        answer(&["post", &queue, "\"a\""]);
        let run = waits.join().unwrap();
        assert!(run.status.success(), "{verb}");
        let got = serde_json::from_slice(&run.stdout).unwrap();
        assert_eq!(bodies(&got), ["a"], "{verb}");
    }
}

#[test]
fn a_wait_that_brings_nothing_ends() {
    let (queue, _) = queue_of(&[]);
    let got = answer(&["claim", &queue, "--wait", "20ms"]);
    assert!(got["claim"].is_null());
}

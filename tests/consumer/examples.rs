//! The examples that are there to be copied, run as they are.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use marconi_redis::Store;

use crate::common::Server;

fn example(name: &str, server: &Server) -> Command {
    let mut run = Command::new(env!("CARGO"));
    run.args(["build", "--quiet", "--offline", "--example", name]);
    if !cfg!(feature = "cli") {
        run.arg("--no-default-features");
    }
    assert!(run.status().unwrap().success(), "{name} does not compile");
    // Beside this test's own file.
    let test = std::env::current_exe().unwrap();
    let built = test.ancestors().nth(2).unwrap().join("examples").join(name);
    let mut command = Command::new(built);
    command.env("MARCONI_REDIS", server.url());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn number(line: &str) -> u64 {
    line.split(' ').next().unwrap().parse().unwrap()
}

fn terminate(worker: &Child) {
    let id = worker.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status();
    assert!(sent.unwrap().success());
}

#[tokio::test]
async fn a_worker_that_is_terminated_ends_cleanly_and_the_next_handles_the_rest() {
    let server = Server::start(&[]);
    let posted = example("producer", &server).arg("400").output().unwrap();
    assert!(posted.status.success(), "{posted:?}");
    let store = Store::connect(&server.url()).await.unwrap();
    let orders = store.queue("shop", "orders").unwrap();
    assert_eq!(orders.stats().await.unwrap().total, 400);

    let mut handled = Vec::new();
    for stop_after in [50, usize::MAX] {
        let mut worker = example("worker", &server).spawn().unwrap();
        let mut errors = worker.stderr.take().unwrap();
        let told = std::thread::spawn(move || {
            let mut told = String::new();
            errors.read_to_string(&mut told).map(|_| told)
        });
        let before = handled.len();
        let mut lines = BufReader::new(worker.stdout.take().unwrap()).lines();
        let enough = stop_after.min(400 - before);
        handled.extend(
            lines
                .by_ref()
                .take(enough)
                .map(|line| number(&line.unwrap())),
        );
        terminate(&worker);
        // What it had in work.
        handled.extend(lines.map(|line| number(&line.unwrap())));
        let (status, told) = (worker.wait().unwrap(), told.join().unwrap().unwrap());
        assert!(status.success(), "{told}");
        let all = handled.len() - before;
        assert!(
            told.contains(&format!("Consumed {{ handled: {all}, failed: 0")),
            "{told}"
        );
        let stats = orders.stats().await.unwrap();
        assert_eq!((stats.claimed, stats.free), (0, 400 - handled.len() as u64));
    }
    assert_eq!(handled.len(), 400);
    assert_eq!(BTreeSet::from_iter(handled), BTreeSet::from_iter(1..=400));
}

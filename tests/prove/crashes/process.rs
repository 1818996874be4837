//! The process that does a deed: this binary again.
//!
//! Guards that it is killed as a machine kills it: by SIGKILL, with nothing said before.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Sender;

use super::gate::Event;
use super::{Orders, SAID};

/// This binary again. With a pipe for its input it stays when it is ready.
pub fn client(orders: &Orders, input: Stdio) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.arg("deed");
    command.arg(serde_json::to_string(orders).expect("orders"));
    command.stdin(input).stdout(Stdio::piped());
    command.spawn().expect("a client process")
}

/// Tells what it says, in a thread of its own.
pub fn listen(child: &mut Child, tell: Sender<Event>) {
    let output = child.stdout.take().expect("a pipe was asked for");
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(|line| line.ok()) {
            if let Some(said) = line.strip_prefix(SAID) {
                // Who is not listened to any more needs not be heard.
                _ = tell.send(Event::Said(said.to_owned()));
            }
        }
        _ = tell.send(Event::Ended);
    });
}

/// SIGKILL.
pub fn kill(child: &mut Child) {
    child.kill().expect("a process that is there");
    child.wait().expect("its end");
}

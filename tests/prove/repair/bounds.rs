//! How much one call of a check looks at.
//!
//! Guards the server's other clients: what a call does is counted, not timed, on a machine that is shared.

use marconi_redis::Queue;
use marconi_redis::script::Script;
use redis::Value;
use redis::aio::MultiplexedConnection;

use super::{Findings, MOST_COMMANDS, MOST_ENTRIES};

/// Seconds.
const WORTH_A_SECOND_LOOK: f64 = 0.001_5;

#[derive(Default)]
pub struct Bounds {
    calls: u64,
    entries: u64,
    most_entries: u64,
    most_commands: u64,
    slowest: f64,
}

/// Goes through all parts, with nobody beside it.
pub async fn measure(connection: &mut MultiplexedConnection, queue: &Queue) -> Bounds {
    let check = Script::by_name("check").expect("the script");
    let mut bounds = Bounds::default();
    for part in check.keys() {
        let mut cursor = String::new();
        loop {
            let before = spent(connection).await;
            let mut call = redis::cmd("EVALSHA");
            call.arg(check.sha1()).arg(check.keys().len());
            for part in check.keys() {
                call.arg(queue.keys().key(*part));
            }
            call.arg(part.as_str()).arg(&cursor).arg("");
            let reply: Vec<Value> = call.query_async(connection).await.expect("a reply");
            let after = spent(connection).await;
            let mut cpu = after.1 - before.1;
            // What the server does beside the call now and then is no part of it.
            for _ in 0..if cpu > WORTH_A_SECOND_LOOK { 4 } else { 0 } {
                let before = spent(connection).await;
                let _: Value = call.query_async(connection).await.expect("a reply");
                cpu = cpu.min(spent(connection).await.1 - before.1);
            }
            cursor = redis::from_redis_value(reply[0].clone()).expect("a cursor");
            let looked: u64 = redis::from_redis_value(reply[1].clone()).expect("a count");
            bounds.calls += 1;
            bounds.entries += looked;
            bounds.most_entries = bounds.most_entries.max(looked);
            // The call itself and the INFO are no part of it.
            bounds.most_commands = bounds.most_commands.max(after.0 - before.0 - 2);
            bounds.slowest = bounds.slowest.max(cpu);
            if cursor.is_empty() {
                break;
            }
        }
    }
    bounds
}

/// Commands that the server has run, those of scripts among them, and the seconds of CPU that it took.
async fn spent(connection: &mut MultiplexedConnection) -> (u64, f64) {
    let info: String = redis::cmd("INFO")
        .query_async(connection)
        .await
        .expect("INFO");
    let number = |name: &str| {
        let mut lines = info.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(label, _)| *label == name);
        let (_, text) = found.unwrap_or_else(|| panic!("no {name} in INFO"));
        text.trim().parse::<f64>().expect("a number")
    };
    let cpu = number("used_cpu_user") + number("used_cpu_sys");
    (number("total_commands_processed") as u64, cpu)
}

impl Bounds {
    pub fn tell(&self, findings: &mut Findings) {
        findings.detail("calls of a check", self.calls);
        findings.detail("entries that they looked at", self.entries);
        findings.detail("entries of one call, at most", self.most_entries);
        findings.detail("commands of one call, at most", self.most_commands);
        findings.detail(
            "server CPU of one call, INFO included, at most",
            format!("{:.1} ms", self.slowest * 1e3),
        );
        if self.most_entries > MOST_ENTRIES || self.most_commands > MOST_COMMANDS {
            findings.violated(format!(
                "a call looked at {} entries and ran {} commands",
                self.most_entries, self.most_commands
            ));
        }
        if self.most_commands == 0 {
            findings
                .failures
                .push("no commands of scripts were counted".to_owned());
        }
    }
}

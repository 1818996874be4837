//! What a server held after each call, and how long its file was by then.
//!
//! Guards that a length is the file's own: what the server has not yet written is counted in, and nothing but the recorded
//! calls writes.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::client::{Client, Connection, Plain, Reply};
use crate::common::Server;
use crate::history::{Call, Id, Outcome};
use crate::plan::groups;
use crate::rng::Rng;
use crate::worker::Chooser;

/// The group whose operations bring the time, and when that begins.
pub const OWN_CLOCK: usize = 0;
const START: u64 = 1_700_000_000_000;

type Steps = Vec<(u64, Vec<String>)>;

#[derive(Default)]
pub struct Record {
    /// After each call: the length of the file, and all the server holds. The first is before any call.
    pub steps: Steps,
    /// After which step each operation was answered.
    pub ends: Vec<usize>,
    /// After which step, in which group, which fence was given; the same of ids.
    pub fences: Vec<(usize, usize, u64)>,
    pub ids: Vec<(usize, usize, u64)>,
    /// After which step the clock stood where.
    clocks: Vec<(usize, u64)>,
}

impl Record {
    pub fn make(server: &Server, rng: &mut Rng, calls: u32) -> Record {
        let mut connection = Connection::open(&server.socket()).expect("the server");
        if rng.percent(50) {
            rewrite(&mut connection);
        }
        let steps = Rc::new(RefCell::new(vec![step(&mut connection)]));
        let lua = Path::new(env!("CARGO_MANIFEST_DIR")).join("lua");
        let mut client = Plain::connect(&server.socket(), &lua, false);
        let noted = Rc::clone(&steps);
        client.after = Some(Box::new(move |connection| {
            noted.borrow_mut().push(step(connection));
        }));
        let mut chooser = Chooser::new(&groups(), 0, rng.next(), true);
        let (mut record, mut now, mut n) = (Record::default(), START, 0);
        while steps.borrow().len() < calls as usize {
            let choice = chooser.choose(n);
            n += 1;
            let (group, queue) = choice.place;
            now += u64::from(group == OWN_CLOCK && rng.percent(25));
            client.now = (group == OWN_CLOCK).then_some(now);
            let got = client.ask(group, queue, 0, &choice.call, None);
            let end = steps.borrow().len() - 1;
            record.note(end, choice.place, &choice.call, &got);
            record.clocks.push((end, now));
            chooser.learn(choice.place, &choice.call, &got);
        }
        client.after = None;
        record.steps = steps.borrow().clone();
        let (length, _) = step(&mut connection);
        wait_until_written(&mut connection);
        let file = std::fs::metadata(record.file(server)).expect("the server's file");
        // Where there is a part before the file that is written to, it is counted in.
        let before = length - file.len();
        for (length, _) in &mut record.steps {
            *length -= before;
        }
        record
    }

    fn note(&mut self, end: usize, (group, queue): (usize, usize), call: &Call, got: &Outcome) {
        if let Outcome::Failed(error) = got {
            panic!("{call:?}: {error}");
        }
        self.ends.push(end);
        if queue > 0 {
            return;
        }
        match got {
            Outcome::Posted(ids) => {
                let ids = ids.iter().map(|id| (end, group, number(*id)));
                self.ids.extend(ids);
            }
            Outcome::Claimed { fence, .. } => self.fences.push((end, group, *fence)),
            _ => {}
        }
    }

    /// Where a cut is to be: between two calls, or anywhere.
    pub fn cut(&self, rng: &mut Rng, length: u64) -> u64 {
        if rng.percent(25) {
            return self.steps[rng.below(self.steps.len())].0;
        }
        rng.between(self.steps[0].0, length)
    }

    /// The last step of which nothing was cut.
    pub fn last_within(&self, length: u64) -> usize {
        self.steps.partition_point(|(end, _)| *end <= length) - 1
    }

    pub fn clock_at(&self, step: usize) -> u64 {
        let clock = self.clocks.iter().rev().find(|(end, _)| *end <= step);
        clock.map_or(START, |(_, now)| *now)
    }

    /// What the server writes to: its one file, or the last increment.
    pub fn file(&self, server: &Server) -> PathBuf {
        let dir = server.socket().parent().expect("its directory").to_owned();
        let single = dir.join("appendonly.aof");
        if single.is_file() {
            return single;
        }
        let files = std::fs::read_dir(dir.join("appendonlydir")).expect("a directory of parts");
        let paths = files.map(|file| file.expect("a file").path());
        let mut parts: Vec<_> = paths
            .filter(|path| path.to_string_lossy().ends_with(".incr.aof"))
            .collect();
        assert_eq!(parts.len(), 1, "parts that are written to");
        parts.remove(0)
    }
}

/// An id that can be compared with others.
pub fn number(id: Id) -> u64 {
    id.0 * 100_000 + id.1
}

fn step(connection: &mut Connection) -> (u64, Vec<String>) {
    let length =
        persistence(connection, "aof_current_size") + persistence(connection, "aof_buffer_length");
    (length, digest(connection))
}

fn persistence(connection: &mut Connection, field: &str) -> u64 {
    let info = connection.command(&["INFO", "persistence"]).text();
    let value = info
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.expect("the field").trim().parse().expect("a number")
}

fn wait_until_written(connection: &mut Connection) {
    while persistence(connection, "aof_buffer_length") > 0 {}
}

fn rewrite(connection: &mut Connection) {
    connection.command(&["BGREWRITEAOF"]);
    while persistence(connection, "aof_rewrite_in_progress") > 0
        || persistence(connection, "aof_rewrite_scheduled") > 0
    {}
    assert!(
        connection
            .command(&["INFO", "persistence"])
            .text()
            .contains("aof_last_bgrewrite_status:ok")
    );
}

/// All the server holds, in a few bytes. DEBUG DIGEST leaves out what a stream remembers of what it held before.
pub fn digest(connection: &mut Connection) -> Vec<String> {
    let mut digest = vec![connection.command(&["DEBUG", "DIGEST"]).text()];
    let keys = connection.command(&["KEYS", "*"]);
    let mut names: Vec<String> = keys.list().iter().map(Reply::text).collect();
    names.sort();
    let is_stream = |name: &&String| {
        [":log", ":outbox", ":dead"]
            .iter()
            .any(|part| name.ends_with(part))
    };
    for name in names.iter().filter(is_stream) {
        let info = connection.command(&["XINFO", "STREAM", name]);
        let pairs = info.list().chunks(2);
        let mut last = pairs.filter(|pair| pair[0].text() == "last-generated-id");
        digest.push(format!("{name} {}", last.next().expect("an id")[1].text()));
    }
    digest.push(names.join(" "));
    digest
}

//! A server, one queue on it that has something in every part, and a control plane that has too.
//!
//! Guards that what is refused is refused on a queue where the call could do damage.

use std::collections::BTreeMap;

use marconi_redis::keys::{ControlKeys, Part, Prefix, QueueKeys, QueuePath};
use marconi_redis::script::{ALL, Script};
use redis::{Connection, Value};

use crate::common::Server;

/// When everything was posted; nothing is overdue for an hour.
pub const NOW: u64 = 1_700_000_000_000;
/// Claims have lapsed, delays have run out, messages have expired.
pub const LATER: u64 = NOW + 3_700_000;

pub const LIVE: &str = "11111111-1111-4111-8111-111111111111";
pub const OTHER: &str = "22222222-2222-4222-8222-222222222222";
pub const NEW: &str = "33333333-3333-4333-8333-333333333333";
/// A letter as an outbox has it: `[ttl, client, {from: [tag]}, body]`.
pub const LETTER: &[u8] = b"\x94\xcd\x03\xe8\xa2me\x81\xa4from\x91\xa3p/q\xc4\x01\x2a";
pub const BODY: &[u8] = b"\xc4\x01\x2a";
pub const METADATA: &[u8] = b"\xc4\x04\x81\xa1n\x01";

pub type Words = Vec<Vec<u8>>;

/// Arguments of a script: strings, bytes, numbers.
#[macro_export]
macro_rules! words {
    ($($word:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut all: Vec<Vec<u8>> = Vec::new();
        $(all.extend(redis::ToRedisArgs::to_redis_args(&$word));)*
        all
    }};
}

/// An error reply, as its first word and the rest; or any other reply.
pub type Answer = Result<Value, (String, String)>;

pub struct Rig {
    pub connection: Connection,
    queue: QueueKeys,
    control: ControlKeys,
    /// Ids by what they are good for.
    pub ids: BTreeMap<&'static str, String>,
}

impl Rig {
    pub fn new(server: &Server, queue: &str) -> Rig {
        let client = redis::Client::open(server.url()).expect("the server's own url");
        let connection = client.get_connection().expect("a connection");
        let path = QueuePath::new("p", queue).expect("a good name");
        let mut rig = Rig {
            connection,
            queue: QueueKeys::new(&Prefix::default(), path),
            control: ControlKeys::new(&Prefix::default()),
            ids: BTreeMap::new(),
        };
        for script in ALL {
            rig.command(&["SCRIPT", "LOAD", script.source()]);
        }
        rig
    }

    /// The key of a part of the queue, or of the control plane.
    pub fn key(&self, part: Part) -> String {
        match Part::CONTROL.contains(&part) {
            true => self.control.key(part),
            false => self.queue.key(part),
        }
    }

    pub fn keys_of(&self, script: &Script) -> Vec<String> {
        script.keys().iter().map(|part| self.key(*part)).collect()
    }

    /// The same of a script `control/catalogue/…`, with the topics' catalogue.
    pub fn keys_of_topics(&self, script: &Script) -> Vec<String> {
        let topics = self.control.of_topics();
        script.keys().iter().map(|part| topics.key(*part)).collect()
    }

    pub fn call_with(&mut self, script: &Script, keys: &[String], args: &Words) -> Answer {
        let mut call = redis::cmd("EVALSHA");
        call.arg(script.sha1()).arg(keys.len()).arg(keys).arg(args);
        call.query(&mut self.connection).map_err(|error| {
            let word = error.code().unwrap_or_else(|| panic!("no reply: {error}"));
            (
                word.to_owned(),
                error.detail().unwrap_or_default().to_owned(),
            )
        })
    }

    pub fn call(&mut self, script: &str, args: &Words) -> Answer {
        let script = Script::by_name(script).unwrap_or_else(|| panic!("no script {script}"));
        let keys = self.keys_of(script);
        self.call_with(script, &keys, args)
    }

    pub fn done(&mut self, script: &str, args: Words) -> Value {
        let answer = self.call(script, &args);
        answer.unwrap_or_else(|refusal| panic!("{script}: {refusal:?}"))
    }

    pub fn command(&mut self, words: &[&str]) -> Value {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        let reply = command.query(&mut self.connection);
        reply.unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// All the server holds, in a few bytes. DEBUG DIGEST leaves out what a stream remembers of what
    /// it held before.
    pub fn digest(&mut self) -> Vec<String> {
        let mut parts = vec![format!("{:?}", self.command(&["DEBUG", "DIGEST"]))];
        for part in [Part::Log, Part::Outbox, Part::Dead] {
            let key = self.key(part);
            if self.command(&["TYPE", &key]) == Value::SimpleString("stream".into()) {
                let info = self.command(&["XINFO", "STREAM", &key]);
                let Value::Array(pairs) = info else {
                    panic!("{info:?} of XINFO")
                };
                let label = Value::BulkString(b"last-generated-id".to_vec());
                let at = pairs.iter().position(|value| *value == label);
                parts.push(format!("{key} {:?}", at.and_then(|at| pairs.get(at + 1))));
            }
        }
        parts
    }

    fn post(&mut self, now: u64, ttl: &str, delay: &str, token: &str) -> String {
        let reply = self.done(
            "post",
            words![now, "me", token, "digest", "", ttl, delay, BODY],
        );
        let Value::Array(ids) = reply else {
            panic!("{reply:?} of post")
        };
        redis::from_redis_value(ids[0].clone()).expect("an id")
    }

    fn claim(&mut self, claim: &str, ttl: u64) {
        self.sweep(NOW);
        let reply = self.done("claim", words![NOW, claim, ttl, 0, 1, "worker", "", ""]);
        assert_ne!(
            reply,
            Value::Array(Vec::new()),
            "nothing to claim for {claim}"
        );
    }

    pub fn sweep(&mut self, now: u64) {
        self.done("sweep", words![now, "", ""]);
    }

    /// All parts agree.
    pub fn check(&mut self) {
        for part in [
            "log", "meta", "held", "claims", "returned", "delayed", "expiry", "tries",
        ] {
            let reply = self.done("check", words![part, "", "250"]);
            let Value::Array(values) = reply else {
                panic!("{reply:?} of check")
            };
            assert_eq!(values.len(), 2, "{part}: {values:?}");
        }
    }

    /// Messages as usual, of which a claim holds one.
    pub fn furnish_plainly(&mut self) {
        self.done("queue/create", words![NOW, ""]);
        // What is posted in the ms of the first message is looked at with more care.
        self.post(NOW - 5, "", "", "");
        self.done("pop", words![NOW - 5, 1, "", "", ""]);
        let held = self.post(NOW, "", "", "");
        self.claim(LIVE, 3_600_000);
        self.ids.insert("held", held);
        for _ in 0..3 {
            let free = self.post(NOW, "", "", "");
            self.ids.insert("free", free);
        }
    }

    /// Something in each part, and messages in each state.
    pub fn furnish(&mut self) {
        let names = ["_max_claim_count", "2", "_dead_letter_queue", "dead"];
        self.done("queue/create", words![NOW, METADATA, &names[..2]]);
        let release = |rig: &mut Rig, claim: &str| rig.done("release", words![NOW, claim, ""]);
        for letter in ["kept", "in transit"] {
            self.post(NOW, "", "", "");
            for _ in 0..2 {
                self.claim(OTHER, 1000);
                release(self, OTHER);
            }
            if letter == "kept" {
                self.sweep(NOW);
                self.done("queue/set", words![NOW, METADATA, &names[..]]);
            }
        }
        // Tokens, old ones and new ones.
        self.post(NOW - 61_000, "", "", "an old token");
        self.done("pop", words![NOW, 1, "a pop's token", "1", ""]);
        // A live claim with an extended message and a plain one, and a claim that lapses.
        let held = self.post(NOW, "1000", "", "");
        self.ids.insert("held", held);
        self.claim(LIVE, 3_600_000);
        let other = self.post(NOW, "", "", "");
        self.ids.insert("held by another", other);
        self.claim(OTHER, 3_600_000);
        // What came back, at once and later.
        for name in ["returned", "delayed"] {
            let id = self.post(NOW, "", "", "");
            self.ids.insert(name, id);
        }
        self.done("claim", words![NOW, NEW, 1000, 0, 2, "", "", ""]);
        for (name, delay) in [("returned", 0), ("delayed", 3_600_000)] {
            let id = self.ids[name].clone();
            self.done("nack", words![NOW, NEW, delay, "", id]);
        }
        self.done("dead/deliver", words![NOW, "p/elsewhere", "5-0", LETTER]);
        let newest = |rig: &mut Rig, part| {
            let key = rig.key(part);
            let entries: Vec<(String, Value)> =
                redis::from_redis_value(rig.command(&["XREVRANGE", &key, "+", "-", "COUNT", "1"]))
                    .expect("an entry");
            entries[0].0.clone()
        };
        let (arrived, kept) = (newest(self, Part::Log), newest(self, Part::Dead));
        self.ids.insert("arrived letter", arrived);
        self.ids.insert("kept letter", kept);
        self.post(NOW, "7000", "", "");
        self.post(NOW, "", "5000", "");
        let free = self.post(NOW, "", "", "a new token");
        self.ids.insert("free", free);
        self.sweep(NOW);
        self.furnish_control();
        let count = |rig: &mut Rig, part| rig.command(&["EXISTS", &rig.key(part)]);
        for part in Part::ALL.iter().chain(Part::CONTROL) {
            // Stands only while the queue is deleted.
            if *part != Part::Floor {
                assert_eq!(count(self, *part), Value::Int(1), "nothing in {part}");
            }
        }
    }
}

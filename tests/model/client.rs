//! A foreign client of the scripts: EVALSHA with keys by part, and nothing of the library's handles.
//!
//! Guards what must hold for every single call: a refusal, MORE included, and a script that says that
//! it does not write leave the dataset as it was.

use std::collections::BTreeMap;

use marconi_redis::keys::QueueKeys;
use marconi_redis::script::{ALL, Script};
use redis::{Connection, RedisError, Value};

use crate::common::Server;
use crate::reply::{Outcome, Refusal};
use crate::rng::Rng;

pub type Args = Vec<Vec<u8>>;

/// Arguments of a script: numbers, strings, and slices of them.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut all: $crate::client::Args = Vec::new();
        $(all.extend(redis::ToRedisArgs::to_redis_args(&$value));)*
        all
    }};
}

pub struct Client {
    connection: Connection,
    /// Whose call to watch closely; apart from the operations', so that watching more changes none.
    watch: Rng,
    pub always_watch: bool,
    pub calls: BTreeMap<&'static str, u64>,
    pub refusals: BTreeMap<(&'static str, String), u64>,
    pub watched: u64,
}

impl Client {
    pub fn new(server: &Server, seed: u64) -> Client {
        let client = redis::Client::open(server.url()).expect("the server's own url");
        let mut connection = client.get_connection().expect("a connection");
        for script in ALL {
            let mut load = redis::cmd("SCRIPT");
            load.arg("LOAD").arg(script.source());
            let sha1: String = load.query(&mut connection).expect("SCRIPT LOAD");
            assert_eq!(sha1, script.sha1(), "of {}", script.name());
        }
        Client {
            connection,
            watch: Rng::new(seed ^ 0x5eed),
            always_watch: false,
            calls: BTreeMap::new(),
            refusals: BTreeMap::new(),
            watched: 0,
        }
    }

    /// One call of a script.
    pub fn call(&mut self, name: &str, keys: &QueueKeys, args: &Args) -> Outcome {
        let script = Script::by_name(name).unwrap_or_else(|| panic!("no script {name}"));
        let watched = self.always_watch || self.watch.percent(1);
        let before = watched.then(|| self.digest());
        let mut call = redis::cmd("EVALSHA");
        call.arg(script.sha1()).arg(script.keys().len());
        for part in script.keys() {
            call.arg(keys.key(*part));
        }
        for arg in args {
            call.arg(arg);
        }
        let outcome = call
            .query::<Value>(&mut self.connection)
            .map_err(|error| refusal(&error));
        *self.calls.entry(script.name()).or_default() += 1;
        if let Err(refusal) = &outcome {
            let key = (script.name(), refusal.word.clone());
            *self.refusals.entry(key).or_default() += 1;
        }
        if let Some(before) = before
            && (outcome.is_err() || !script.writes())
        {
            self.watched += 1;
            let after = self.digest();
            assert_eq!(before, after, "{name} has changed something: {outcome:?}");
        }
        outcome
    }

    /// A plain command, for looking behind the scripts' back.
    pub fn command(&mut self, words: &[&str]) -> Value {
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(word);
        }
        let reply = command.query(&mut self.connection);
        reply.unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// All the server holds, in a few bytes. DEBUG DIGEST leaves out what a stream remembers of what
    /// it held before.
    pub fn digest(&mut self) -> Vec<String> {
        let mut parts = vec![format!("{:?}", self.command(&["DEBUG", "DIGEST"]))];
        let Value::Array(keys) = self.command(&["KEYS", "*"]) else {
            panic!("KEYS answers a list");
        };
        let mut names: Vec<String> = keys.iter().map(crate::reply::text).collect();
        names.sort();
        for name in names {
            let stream = [":log", ":outbox", ":dead"]
                .iter()
                .any(|part| name.ends_with(part));
            if stream {
                let info = self.command(&["XINFO", "STREAM", &name]);
                parts.push(format!("{name} {:?}", last_id(&info)));
            }
        }
        parts
    }
}

fn last_id(info: &Value) -> Option<&Value> {
    let Value::Array(pairs) = info else {
        return None;
    };
    let label = Value::BulkString(b"last-generated-id".to_vec());
    let at = pairs.iter().position(|value| *value == label)?;
    pairs.get(at + 1)
}

fn refusal(error: &RedisError) -> Refusal {
    let word = error.code().unwrap_or_else(|| panic!("no reply: {error}"));
    Refusal {
        word: word.to_owned(),
        detail: error.detail().unwrap_or_default().to_owned(),
    }
}

//! A foreign client of the control plane's scripts: EVALSHA with keys by part.
//!
//! Guards that a refusal is one word and a text, which is what the model is compared with.

use marconi_redis::keys::{ControlKeys, Part, Prefix, QueueKeys, QueuePath};
use marconi_redis::script::{ALL, Script};
use redis::{Connection, FromRedisValue, Value};

use crate::common::Server;

pub type Args = Vec<Vec<u8>>;

/// A reply, or the refusal's word and the rest of it.
pub type Outcome = Result<Value, (String, String)>;

/// Arguments of a script: numbers, strings, bytes, and slices of them.
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
    keys: ControlKeys,
    queue: QueueKeys,
    /// Whether the scripts `control/catalogue/…` get the topics' catalogue.
    pub of_topics: bool,
}

impl Client {
    pub fn new(server: &Server) -> Client {
        let client = redis::Client::open(server.url()).expect("the server's own url");
        let connection = client.get_connection().expect("a connection");
        let path = QueuePath::new("p", "subscribed").expect("a good name");
        let mut client = Client {
            connection,
            keys: ControlKeys::new(&Prefix::default()),
            queue: QueueKeys::new(&Prefix::default(), path),
            of_topics: false,
        };
        for script in ALL {
            client.command::<String>(&["SCRIPT", "LOAD", script.source()]);
        }
        client
    }

    pub fn key(&self, part: Part) -> String {
        match Part::CONTROL.contains(&part) {
            true => self.keys.key(part),
            false => self.queue.key(part),
        }
    }

    /// One call of a script.
    pub fn call(&mut self, script: &str, args: &Args) -> Outcome {
        let script = Script::by_name(script).unwrap_or_else(|| panic!("no script {script}"));
        let mut call = redis::cmd("EVALSHA");
        call.arg(script.sha1()).arg(script.keys().len());
        let of_topics = self.of_topics && script.name().starts_with("control/catalogue/");
        for part in script.keys() {
            call.arg(match of_topics {
                true => self.keys.of_topics().key(*part),
                false => self.key(*part),
            });
        }
        call.arg(args);
        call.query(&mut self.connection).map_err(|error| {
            let word = error.code().unwrap_or_else(|| panic!("no reply: {error}"));
            let detail = error.detail().unwrap_or_default();
            (word.to_owned(), detail.to_owned())
        })
    }

    /// A call that has to go through.
    pub fn done(&mut self, script: &str, args: Args) -> Value {
        let outcome = self.call(script, &args);
        outcome.unwrap_or_else(|refusal| panic!("{script}: {refusal:?}"))
    }

    /// A plain command, for looking behind the scripts' back.
    pub fn command<T: FromRedisValue>(&mut self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        let reply = command.query(&mut self.connection);
        reply.unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// Gives one field of a hash the value of another, whatever bytes it has.
    pub fn copy_field(&mut self, key: &str, from: &str, to: &str) {
        let value: Vec<u8> = self.command(&["HGET", key, from]);
        let mut set = redis::cmd("HSET");
        set.arg(key).arg(to).arg(value);
        let _: u64 = set.query(&mut self.connection).expect("HSET");
    }

    /// All the server holds, in a few bytes.
    pub fn digest(&mut self) -> String {
        self.command(&["DEBUG", "DIGEST"])
    }
}

pub fn int(value: u64) -> Value {
    Value::Int(value.try_into().expect("a number that fits"))
}

pub fn bytes(value: &[u8]) -> Value {
    Value::BulkString(value.to_vec())
}

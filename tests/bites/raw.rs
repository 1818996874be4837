//! A queue without the library: scripts by digest, and the keys as they stand.

use marconi_redis::keys::{Part, QueueKeys};
use marconi_redis::script::{ALL, Script};
use marconi_redis::{Queue, Store};
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, Pipeline, RedisResult, ToRedisArgs, Value};

use crate::common::{self, Server};
use crate::stage::Stage;

/// The body `1`, as a script wants it.
pub const BODY: &[u8] = b"\xc4\x01\x01";

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

pub struct Raw {
    pub connection: MultiplexedConnection,
    pub keys: QueueKeys,
}

impl Raw {
    /// All scripts are loaded then.
    pub async fn new(server: &Server, queue: &Queue) -> Raw {
        let mut raw = Raw {
            connection: server.connection().await,
            keys: queue.keys().clone(),
        };
        for script in ALL {
            raw.command::<Value>(&["SCRIPT", "LOAD", script.source()])
                .await;
        }
        raw
    }

    pub fn key(&self, part: Part) -> String {
        self.keys.key(part)
    }

    pub async fn command<T: FromRedisValue>(&mut self, words: &[impl ToRedisArgs]) -> T {
        let mut command = redis::Cmd::new();
        command.arg(words);
        let reply = command.query_async(&mut self.connection).await;
        reply.expect("the server does as it is told")
    }

    pub fn call(&self, script: &str, args: &[Vec<u8>]) -> redis::Cmd {
        let script = Script::by_name(script).expect("a script of that name");
        let mut call = redis::cmd("EVALSHA");
        call.arg(script.sha1()).arg(script.keys().len());
        for part in script.keys() {
            call.arg(self.key(*part));
        }
        call.arg(args);
        call
    }

    pub async fn run(&mut self, script: &str, args: Vec<Vec<u8>>) -> RedisResult<Value> {
        let call = self.call(script, &args);
        call.query_async(&mut self.connection).await
    }

    /// Many calls in one pipeline; each is expected to go well.
    pub async fn run_all<T: FromRedisValue>(&mut self, calls: Vec<redis::Cmd>) -> T {
        let mut pipeline = Pipeline::with_capacity(calls.len());
        for call in calls {
            pipeline.add_command(call);
        }
        let replies = pipeline.query_async(&mut self.connection).await;
        replies.expect("no call is refused")
    }

    /// All that the server holds, in a few bytes.
    pub async fn digest(&mut self) -> String {
        let mut digest = self.command::<String>(&["DEBUG", "DIGEST"]).await;
        let log = self.key(Part::Log);
        // DEBUG DIGEST leaves out what a stream remembers of what it held before.
        if self.command::<String>(&["TYPE", &log]).await == "stream" {
            let info: Value = self.command(&["XINFO", "STREAM", &log]).await;
            let Value::Array(pairs) = info else {
                panic!("{info:?} of XINFO")
            };
            let label = Value::BulkString(b"last-generated-id".to_vec());
            let at = pairs.iter().position(|value| *value == label).unwrap();
            digest += &format!(" {:?}", pairs[at + 1]);
        }
        digest
    }

    /// A number of INFO.
    pub async fn info(&mut self, section: &str, name: &str) -> Option<u64> {
        let shown: String = self.command(&["INFO", section]).await;
        let values = shown.lines().filter_map(|line| line.split_once(':'));
        let mut named = values.filter(|(label, _)| *label == name);
        named
            .next()
            .and_then(|(_, value)| value.trim().parse().ok())
    }
}

/// A stage on a server of the test's own.
pub async fn stage_on(server: &Server) -> Stage {
    Stage {
        store: Store::connect(&server.url()).await.unwrap(),
        project: common::a_queue(),
    }
}

/// The checker finds nothing.
pub async fn sound(queue: &Queue) {
    let violations = queue.check().await.unwrap();
    assert!(violations.is_empty(), "{violations:?}");
}

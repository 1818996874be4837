//! What the line does when the server, the network or the script cache is not as hoped.
//!
//! Each test has a server, or a queue, of its own, and scripts that do nothing but count or refuse.

#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../../tests/common/proxy.rs"]
mod proxy;

use redis::Value;

use super::*;
use crate::keys::{Part, Prefix, QueueKeys, QueuePath};
use crate::script::Script;
use common::Server;

/// Scripts of the test's own, so that nothing here depends on what the real ones do.
macro_rules! script {
    ($name:literal, $source:literal) => {{
        static SCRIPT: Script = Script::for_test($name, $source, &[Part::Meta], || {
            crate::script::sha1_of($source)
        });
        &SCRIPT
    }};
}

// Below the macro, which they use.
mod answered;
mod lost;

fn open(url: &str, limits: Limits) -> Result<Link> {
    Ok(Link::to(Deployment::open(url)?, limits))
}

fn count() -> &'static Script {
    script!(
        "count",
        "return redis.call('HINCRBY', KEYS[1], 'n', ARGV[1])"
    )
}

fn refuse() -> &'static Script {
    script!(
        "refuse",
        "return redis.error_reply('NOTYOURS 1700-0 another claim')"
    )
}

fn more() -> &'static Script {
    script!(
        "more",
        "return redis.error_reply('MORE sweep, then call again')"
    )
}

fn keys() -> QueueKeys {
    QueueKeys::new(
        &Prefix::default(),
        QueuePath::new("link", &common::a_queue()).unwrap(),
    )
}

fn add(keys: &QueueKeys, n: i64) -> Call {
    Call::new(count(), keys).arg(n)
}

fn within(ms: u64) -> Limits {
    Limits {
        deadline: Duration::from_millis(ms),
        ..Limits::default()
    }
}

fn number(reply: &Result<Reply>) -> i64 {
    match reply {
        Ok(Reply::Value(Value::Int(n))) => *n,
        other => panic!("no number: {other:?}"),
    }
}

//! Who takes part in a comparison: raw Streams, scripts of the same shape without rules, this library's, and those of
//! a folder.
//!
//! Guards that they take the same way: a post of so many, a claim of as many, a delete of what it brought.

use std::path::Path;

use redis::{Cmd, Pipeline, RedisResult, ToRedisArgs, Value, cmd, pipe};

use marconi_redis::script::{CLAIM, DELETE, POST, Script};

use crate::meter::{Meter, unexpected};
use crate::queue::{HOUR, Queue, new_claim};

/// The ttl of a message that ends before its claim does, in ms: the claim extends it.
const SHORT: u64 = HOUR / 2;
const GROUP: &str = "group";
/// Keys and arguments are those of ours, and so are the calls that carry data.
const SHAPE: [&str; 3] = [
    include_str!("shape/post.lua"),
    include_str!("shape/claim.lua"),
    include_str!("shape/delete.lua"),
];

/// What is asked of them.
#[derive(Clone, Copy, PartialEq)]
pub enum Way {
    /// One ttl, no token.
    Usual,
    /// Each post with a token of its own.
    Token,
    /// Each claim outlives its messages, and extends them.
    Extended,
}

/// One of them.
pub struct Side {
    /// For the table.
    pub name: String,
    kind: Kind,
}

enum Kind {
    Streams,
    /// Digests of post, claim and delete.
    Scripts(Queue, [String; 3]),
}

impl Side {
    /// A stream with a consumer group, at this key.
    pub fn streams(meter: &mut Meter, key: &str) -> RedisResult<Side> {
        let mut commands = pipe();
        commands.cmd("XGROUP").arg("CREATE").arg(key);
        commands.arg(&[GROUP, "$", "MKSTREAM"]);
        meter.send(&commands)?;
        Ok(Side {
            name: key.into(),
            kind: Kind::Streams,
        })
    }

    /// What they would cost without a rule.
    pub fn shape(meter: &mut Meter) -> RedisResult<Side> {
        Side::scripts(meter, "same shape, no rules", SHAPE.map(String::from))
    }

    /// As they are built in.
    pub fn ours(meter: &mut Meter) -> RedisResult<Side> {
        let sources = [&POST, &CLAIM, &DELETE].map(|script| script.source().to_owned());
        Side::scripts(meter, "marconi-redis", sources)
    }

    /// As they stand in a folder like `lua/`. They have to take the keys and arguments of today.
    pub fn folder(meter: &mut Meter, folder: &str) -> RedisResult<Side> {
        let read = |name: &str| std::fs::read_to_string(Path::new(folder).join(name));
        let sources = [read("post.lua")?, read("claim.lua")?, read("delete.lua")?];
        Side::scripts(meter, folder, sources)
    }

    fn scripts(meter: &mut Meter, name: &str, sources: [String; 3]) -> RedisResult<Side> {
        let mut load = pipe();
        for source in sources {
            load.cmd("SCRIPT").arg("LOAD").arg(source);
        }
        let digests: Vec<String> = redis::from_redis_value(Value::Array(meter.send(&load)?))?;
        let digests = digests.try_into().map_err(|_| unexpected("no digest"))?;
        let queue = Queue::create(meter, name, &[])?;
        Ok(Side {
            name: name.into(),
            kind: Kind::Scripts(queue, digests),
        })
    }

    /// The commands that post so many.
    pub fn post(&self, way: Way, many: usize, body: &[u8]) -> Vec<Cmd> {
        match &self.kind {
            Kind::Streams => {
                let mut add = cmd("XADD");
                add.arg(&self.name).arg("*").arg("m").arg(body);
                vec![add; many]
            }
            Kind::Scripts(queue, [post, ..]) => {
                let (token, digest) = match way {
                    Way::Token => (new_claim(), new_claim()),
                    Way::Usual | Way::Extended => Default::default(),
                };
                let mut call = evalsha(queue, &POST, post, ("", "bench", token, digest, ""));
                for _ in 0..many {
                    match way {
                        Way::Extended => call.arg(SHORT),
                        Way::Usual | Way::Token => call.arg(""),
                    };
                    call.arg("").arg(body);
                }
                vec![call]
            }
        }
    }

    /// A claim, and the command that makes it.
    pub fn claim(&self, limit: usize) -> (String, Cmd) {
        let claim = new_claim();
        let command = match &self.kind {
            Kind::Streams => {
                let mut read = cmd("XREADGROUP");
                read.arg(&["GROUP", GROUP, "consumer", "COUNT"]).arg(limit);
                read.arg("STREAMS").arg(&self.name).arg(">");
                read
            }
            Kind::Scripts(queue, [_, script, _]) => {
                let args = ("", &claim, HOUR, 60_000, limit, "", "", "");
                evalsha(queue, &CLAIM, script, args)
            }
        };
        (claim, command)
    }

    /// The commands that delete what a claim brought.
    pub fn delete(&self, claim: &str, brought: &Value) -> RedisResult<Vec<Cmd>> {
        let ids = self.ids(brought)?;
        Ok(match &self.kind {
            Kind::Streams => {
                let (mut ack, mut delete) = (cmd("XACK"), cmd("XDEL"));
                ack.arg(&self.name).arg(GROUP).arg(&ids);
                delete.arg(&self.name).arg(&ids);
                vec![ack, delete]
            }
            Kind::Scripts(queue, [.., script]) => {
                vec![evalsha(queue, &DELETE, script, ("", claim, ids))]
            }
        })
    }

    /// The ids in a claim's reply.
    pub fn ids(&self, brought: &Value) -> RedisResult<Vec<String>> {
        let list =
            |value: &Value, i: usize| -> Option<Value> { value.as_sequence()?.get(i).cloned() };
        match &self.kind {
            // Streams, of each its name and entries, of each its id and fields.
            Kind::Streams => {
                let entries = list(brought, 0).and_then(|stream| list(&stream, 1));
                let entries: Vec<(String, Value)> =
                    redis::from_redis_value(entries.ok_or_else(|| unexpected("nothing read"))?)?;
                Ok(entries.into_iter().map(|(id, _)| id).collect())
            }
            Kind::Scripts(..) => crate::queue::ids_in(brought, 5),
        }
    }
}

fn evalsha(queue: &Queue, script: &'static Script, sha1: &str, args: impl ToRedisArgs) -> Cmd {
    let call = queue.call(script, args);
    let mut cmd = cmd("EVALSHA");
    cmd.arg(sha1);
    for arg in call.cmd.args_iter().skip(2) {
        if let redis::Arg::Simple(text) = arg {
            cmd.arg(text);
        }
    }
    cmd
}

/// All of them in one pipeline.
pub fn together(commands: impl IntoIterator<Item = Cmd>) -> Pipeline {
    let mut all = pipe();
    for command in commands {
        all.add_command(command);
    }
    all
}

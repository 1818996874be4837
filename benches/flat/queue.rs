//! One queue of the benchmark: its keys, calls on it, and ways to fill it.
//!
//! Guards that time is the benchmark's own where something must lapse or expire: calls take the
//! time as an argument, and nothing sleeps.

use redis::{Cmd, RedisResult, ToRedisArgs, Value, cmd, pipe};
use uuid::Uuid;

use marconi_redis::envelope::wrap_body;
use marconi_redis::keys::{Part, Prefix, QueueKeys, QueuePath};
use marconi_redis::script::{CLAIM, DELETE, POST, QUEUE_CREATE, SWEEP, Script};

use crate::meter::Meter;

/// When the benchmark's own time begins, in ms since 1970.
pub const START: u64 = 1_700_000_000_000;
/// Where a time is wanted: let the server take its own.
pub const SERVERS: u64 = 0;
/// An hour in ms.
pub const HOUR: u64 = 3_600_000;
/// The ttl of a message where nothing says another, in ms.
pub const FOURTEEN_DAYS: u64 = 14 * 24 * HOUR;
/// Where a ttl or a delay is wanted: the queue's default.
pub const DEFAULT: fn(usize) -> (String, String) = |_| (String::new(), String::new());

/// A script with its keys and arguments.
pub struct Call {
    /// Which.
    pub script: &'static Script,
    /// The EVALSHA.
    pub cmd: Cmd,
}

/// A queue's keys.
pub struct Queue {
    keys: QueueKeys,
}

/// A time as the scripts take it.
pub fn at(now: u64) -> String {
    if now == SERVERS {
        String::new()
    } else {
        now.to_string()
    }
}

/// A message body of so many bytes, as the post script takes it.
pub fn body(bytes: u16) -> Vec<u8> {
    let mut value = vec![0xda];
    let text = bytes - 3;
    value.extend(text.to_be_bytes());
    value.extend((0..text).map(|i| b'a' + (i % 26) as u8));
    wrap_body(&value).expect("a MessagePack string")
}

/// The ids in the reply of `claim` (from 5), `pop` (from 1), or any that gives four values a message.
pub fn ids_in(reply: &Value, from: usize) -> RedisResult<Vec<String>> {
    let values = reply.as_sequence().unwrap_or_default();
    let ids = values.iter().skip(from).step_by(4);
    ids.map(|id| Ok(redis::from_redis_value(id.clone())?))
        .collect()
}

impl Queue {
    /// Makes it, with these reserved values.
    pub fn create(meter: &mut Meter, name: &str, reserved: &[(&str, &str)]) -> RedisResult<Queue> {
        let path = QueuePath::new("bench", name).expect("a name of letters");
        let keys = QueueKeys::new(&Prefix::default(), path);
        let queue = Queue { keys };
        let metadata: &[u8] = if reserved.is_empty() {
            b""
        } else {
            b"\xc4\x01\x80"
        };
        meter.call(&queue.call(&QUEUE_CREATE, (at(START), metadata, reserved)))?;
        // Given metadata, the next call would look whether something is due.
        meter.call(&queue.call(&SWEEP, (at(START), "", "")))?;
        Ok(queue)
    }

    /// A call of a script on this queue.
    pub fn call(&self, script: &'static Script, args: impl ToRedisArgs) -> Call {
        let mut cmd = cmd("EVALSHA");
        cmd.arg(script.sha1()).arg(script.keys().len());
        for part in script.keys() {
            cmd.arg(self.keys.key(*part));
        }
        cmd.arg(args);
        Call { script, cmd }
    }

    /// A post of so many messages, each with the ttl and delay that `shape` gives it.
    pub fn post(
        &self,
        now: u64,
        many: usize,
        shape: impl Fn(usize) -> (String, String),
        body: &[u8],
    ) -> Call {
        let mut call = self.call(&POST, (at(now), "bench", "", "", ""));
        for i in 0..many {
            let (ttl, delay) = shape(i);
            call.cmd.arg(ttl).arg(delay).arg(body);
        }
        call
    }

    /// A claim under a new id.
    pub fn claim(&self, now: u64, ttl: u64, limit: usize) -> Call {
        self.claim_as(&new_claim(), now, ttl, limit)
    }

    /// A claim that takes what is at hand, although something waits to be swept.
    pub fn claim_by_force(&self, now: u64, ttl: u64, limit: usize) -> Call {
        self.call(&CLAIM, (at(now), new_claim(), ttl, 0, limit, "", 1, ""))
    }

    /// A claim under this id.
    pub fn claim_as(&self, claim: &str, now: u64, ttl: u64, limit: usize) -> Call {
        self.call(&CLAIM, (at(now), claim, ttl, 0, limit, "", "", ""))
    }

    /// Posts so many messages, 250 a post and a post a ms; answers the time after the last.
    pub fn fill(
        &self,
        meter: &mut Meter,
        mut now: u64,
        many: usize,
        shape: impl Fn(usize) -> (String, String),
        body: &[u8],
    ) -> RedisResult<u64> {
        let mut posted = 0;
        while posted < many {
            let mut commands = pipe();
            while posted < many && commands.len() < 20 {
                let count = (many - posted).min(250);
                let call = self.post(now, count, |i| shape(posted + i), body);
                commands.add_command(call.cmd);
                posted += count;
                now += u64::from(now != SERVERS);
            }
            meter.send(&commands)?;
        }
        Ok(now)
    }

    /// Claims for an hour, in turn so many messages a claim, a hundred claims a ms, until `many`
    /// are held; answers the claims.
    pub fn hold(
        &self,
        meter: &mut Meter,
        now: u64,
        many: usize,
        each: &[usize],
    ) -> RedisResult<Vec<String>> {
        let (mut claims, mut held) = (Vec::new(), 0);
        while held < many {
            let mut commands = pipe();
            while held < many && commands.len() < 100 {
                let count = each[claims.len() % each.len()].min(many - held);
                let now = now + (claims.len() as u64 / 100) * u64::from(now != SERVERS);
                let claim = new_claim();
                commands.add_command(self.claim_as(&claim, now, HOUR, count).cmd);
                claims.push(claim);
                held += count;
            }
            meter.send(&commands)?;
        }
        Ok(claims)
    }

    /// Lets a hash that has grown come to rest. While the server moves one over to its larger table,
    /// for as many commands as it has entries, each of them pays for a piece of the move.
    pub fn settle(&self, meter: &mut Meter, part: Part, commands: usize) -> RedisResult<()> {
        let key = self.keys.key(part);
        let mut reads = pipe();
        for _ in 0..1000 {
            reads.cmd("HEXISTS").arg(&key).arg("").ignore();
        }
        for _ in 0..commands / 1000 {
            meter.send(&reads)?;
        }
        Ok(())
    }

    /// After a `fill` of so many from `START` on: deletes free ones, until so many are left.
    pub fn delete_at_random(
        &self,
        meter: &mut Meter,
        now: u64,
        many: usize,
        left: usize,
    ) -> RedisResult<()> {
        for ids in at_random(many)[left..].chunks(250) {
            meter.call(&self.call(&DELETE, (now, "", ids)))?;
        }
        Ok(())
    }
}

/// The ids of a `fill` of so many from `START` on, in an order that is no order, the same in each run.
pub fn at_random(many: usize) -> Vec<String> {
    let mut ids: Vec<String> = (0..many).map(nth_id).collect();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for i in (1..many).rev() {
        // xorshift
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        ids.swap(i, (random % (i as u64 + 1)) as usize);
    }
    ids
}

/// The id of the nth message of a `fill` from `START` on.
pub fn nth_id(n: usize) -> String {
    format!("{}-{}", START + n as u64 / 250, n % 250)
}

/// A new claim id.
pub fn new_claim() -> String {
    Uuid::new_v4().to_string()
}

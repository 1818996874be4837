//! What the hot scripts cost a server: a case is a script with a number of messages.
//!
//! Guards that a call finds the same queue each time: what a round posts it takes away again, the
//! time is the benchmark's own, and what the server does by the clock is off.

use redis::{Cmd, Connection, RedisResult, ToRedisArgs, Value, cmd};
use uuid::Uuid;

use marconi_redis::envelope::wrap_body;
use marconi_redis::keys::{Prefix, QueueKeys, QueuePath};
use marconi_redis::script::{CLAIM, DELETE, POP, POST, QUEUE_CREATE, SWEEP, Script};

/// Exported by every server, and called when the meter sends PING.
pub const MARK: &str = "pingCommand";

/// Nothing that happens by the clock, as far as a server can be told.
pub const QUIET: &[&str] = &[
    "--hz",
    "1",
    "--dynamic-hz",
    "no",
    "--activerehashing",
    "no",
    "--jemalloc-bg-thread",
    "no",
    "--slowlog-log-slower-than",
    "-1",
];

/// What stands for the server itself: no script of this project, but Lua, strings and a stream.
const YARDSTICK: &str = "
local length = 0
for word in string.gmatch(ARGV[1], '[a-m]+') do length = length + #word end
redis.call('HSET', KEYS[2], 'length', length)
local id = redis.call('XADD', KEYS[1], '*', 'body', ARGV[1])
redis.call('XDEL', KEYS[1], id)
return redis.call('HGETALL', KEYS[2])";

/// A case of so many messages a call, and the script it belongs to.
pub const CASES: &[(&str, Option<&Script>)] = &[
    ("nothing", None),
    ("yardstick", None),
    ("empty script", None),
    ("post 1", Some(&POST)),
    ("post 10", Some(&POST)),
    ("post 1 with token", Some(&POST)),
    ("claim 1", Some(&CLAIM)),
    ("claim 10", Some(&CLAIM)),
    ("delete 1", Some(&DELETE)),
    ("delete 10", Some(&DELETE)),
    ("pop 1", Some(&POP)),
    ("pop 10", Some(&POP)),
];

/// Rounds, of which the median counts: there may be a tick of the server's clock in one.
pub const ROUNDS: usize = 7;
/// Calls of each case in a round.
pub const CALLS: usize = 30;

/// Later than any clock, in ms; so nothing is due by itself.
const START: u64 = 4_000_000_000_000;
const HOUR: u64 = 3_600_000;

struct Meter {
    connection: Connection,
    keys: QueueKeys,
    now: u64,
    /// Claims in the order made: under which id, and of what.
    claimed: Vec<(String, Vec<String>)>,
    names: u128,
}

/// Runs all cases, with a mark before and after each.
pub fn run(url: &str) -> RedisResult<()> {
    let mut meter = Meter::connect(url)?;
    for round in 0..ROUNDS {
        // More than a token lives: the tokens of a round are no burden to the next.
        meter.now = START + round as u64 * 200_000;
        meter.one("post 1 with token")?;
        for (case, _) in CASES {
            meter.measure(case)?;
        }
        meter.claimed.clear();
    }
    Ok(())
}

impl Meter {
    fn connect(url: &str) -> RedisResult<Meter> {
        let path = QueuePath::new("bench", "hot").expect("a name of letters");
        let mut meter = Meter {
            connection: redis::Client::open(url)?.get_connection()?,
            keys: QueueKeys::new(&Prefix::default(), path),
            now: START,
            claimed: Vec::new(),
            names: 1,
        };
        for script in [&POST, &CLAIM, &DELETE, &POP, &QUEUE_CREATE, &SWEEP] {
            meter.load(script.source())?;
        }
        meter.load(YARDSTICK)?;
        meter.load("return 0")?;
        meter.call(&QUEUE_CREATE, ("",))?;
        // A queue in use: enough is queued and in flight that no table grows while it is measured.
        for _ in 0..22 {
            meter.post(100)?;
        }
        for _ in 0..275 {
            meter.claim(4)?;
        }
        meter.claimed.clear();
        Ok(meter)
    }

    fn load(&mut self, script: &str) -> RedisResult<()> {
        cmd("SCRIPT")
            .arg("LOAD")
            .arg(script)
            .exec(&mut self.connection)
    }

    /// The marks stand right around the calls; what they need is prepared before.
    fn measure(&mut self, case: &str) -> RedisResult<()> {
        if case == "pop 10" {
            (0..CALLS).try_for_each(|_| self.post(10))?;
        }
        self.mark()?;
        let calls = if case == "nothing" { 0 } else { CALLS };
        for _ in 0..calls {
            self.one(case)?;
        }
        self.mark()
    }

    fn one(&mut self, case: &str) -> RedisResult<()> {
        match case {
            "yardstick" => {
                let call = evalsha(YARDSTICK, &["a stream", "a hash"], body());
                call.exec(&mut self.connection)
            }
            "empty script" => evalsha("return 0", &[], "").exec(&mut self.connection),
            "post 1" => self.post(1),
            "post 10" => self.post(10),
            "post 1 with token" => {
                let token = self.name();
                let args = ("bench", token, "0123456789abcdef", "", "", "", body());
                self.call(&POST, args).map(|_| ())
            }
            "claim 1" => self.claim(1),
            "claim 10" => self.claim(10),
            "delete 1" | "delete 10" => {
                let (claim, ids) = self.claimed.remove(0);
                self.call(&DELETE, (claim, ids)).map(|_| ())
            }
            "pop 1" => self.call(&POP, (1, "", "", "")).map(|_| ()),
            "pop 10" => self.call(&POP, (10, "", "", "")).map(|_| ()),
            other => unreachable!("{other} is no case"),
        }
    }

    fn mark(&mut self) -> RedisResult<()> {
        cmd("PING").exec(&mut self.connection)
    }

    fn post(&mut self, many: usize) -> RedisResult<()> {
        let messages: Vec<_> = (0..many).map(|_| ("", "", body())).collect();
        self.call(&POST, ("bench", "", "", "", messages))
            .map(|_| ())
    }

    fn claim(&mut self, limit: usize) -> RedisResult<()> {
        let claim = self.name();
        let args = (&claim, HOUR, 0, limit, "", "", "");
        let reply = self.call(&CLAIM, args)?;
        let ids = reply.as_sequence().unwrap_or_default().iter().skip(5);
        let ids: Vec<String> = ids
            .step_by(4)
            .map(|id| redis::from_redis_value(id.clone()))
            .collect::<Result<_, _>>()?;
        assert_eq!(
            ids.len(),
            limit,
            "a claim of less than was asked for is another case"
        );
        self.claimed.push((claim, ids));
        Ok(())
    }

    /// A script, a ms after the one before.
    fn call(&mut self, script: &Script, args: impl ToRedisArgs) -> RedisResult<Value> {
        self.now += 1;
        let mut cmd = cmd("EVALSHA");
        cmd.arg(script.sha1()).arg(script.keys().len());
        for part in script.keys() {
            cmd.arg(self.keys.key(*part));
        }
        cmd.arg(self.now).arg(args).query(&mut self.connection)
    }

    /// A UUID, the same in each run.
    fn name(&mut self) -> String {
        self.names += 1;
        Uuid::from_u128(
            self.names
                .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
        )
        .to_string()
    }
}

fn evalsha(script: &str, keys: &[&str], arg: impl ToRedisArgs) -> Cmd {
    let mut cmd = cmd("EVALSHA");
    let sha1 = sha1_smol::Sha1::from(script).digest().to_string();
    cmd.arg(sha1).arg(keys.len()).arg(keys).arg(arg);
    cmd
}

/// 100 bytes, as the scripts take them.
fn body() -> Vec<u8> {
    let mut value = vec![0xd9, 98];
    value.extend((0..98).map(|i| b'a' + i % 26));
    wrap_body(&value).expect("a MessagePack string")
}

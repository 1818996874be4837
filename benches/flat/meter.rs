//! The server under measurement: calls it, and says what a call cost it.
//!
//! Guards against counting what was not asked: the price of asking is taken off, and the slowlog is
//! emptied right before a call and read right after.

use redis::{Cmd, Connection, Pipeline, RedisError, RedisResult, Value, cmd, pipe};

use marconi_redis::script::{self, SWEEP};

use crate::queue::{Call, Queue, at};

/// One connection to the server, and what measuring through it costs.
pub struct Meter {
    connection: Connection,
    /// us between two readings in one pipeline.
    between: f64,
    /// us between two readings in a round trip each.
    around: f64,
}

/// What calls of one kind cost.
#[derive(Debug, Default, Clone)]
pub struct Cost {
    /// Calls, sweeps not counted.
    pub calls: usize,
    /// Sweeps that the calls asked for.
    pub sweeps: usize,
    /// us of CPU of each call and each sweep.
    pub each: Vec<f64>,
    /// The longest call by CPU: us, and its script.
    pub longest: (f64, &'static str),
    /// The largest slowlog entry, if there was one: us, and its script.
    pub slowlog: (u64, &'static str),
}

/// From what on the slowlog takes an entry, in us.
pub const SLOWLOG_FROM: u64 = 1000;

impl Meter {
    /// Connects, loads the scripts, and measures the measuring.
    pub fn connect(url: &str) -> RedisResult<Meter> {
        let connection = redis::Client::open(url)?.get_connection()?;
        let mut meter = Meter {
            connection,
            between: 0.0,
            around: 0.0,
        };
        for script in script::ALL {
            let load = cmd("SCRIPT").arg("LOAD").arg(script.source()).to_owned();
            load.exec(&mut meter.connection)?;
        }
        let config = cmd("CONFIG")
            .arg("SET")
            .arg("slowlog-log-slower-than")
            .arg(SLOWLOG_FROM)
            .to_owned();
        config.exec(&mut meter.connection)?;

        let mut readings = Vec::new();
        for _ in 0..101 {
            let (_, cpu, _) = meter.read_around(&cmd("PING"))?;
            readings.push(cpu);
        }
        meter.between = median(&mut readings);
        readings.clear();
        for _ in 0..101 {
            let before = meter.cpu()?;
            readings.push(meter.cpu()? - before);
        }
        meter.around = median(&mut readings);
        Ok(meter)
    }

    /// What the server calls itself.
    pub fn version(&mut self) -> RedisResult<String> {
        let info: String = cmd("INFO").arg("server").query(&mut self.connection)?;
        let name = field(&info, "server_name").unwrap_or("redis");
        let version = field(&info, &format!("{name}_version")).unwrap_or("?");
        Ok(format!("{name} {version}"))
    }

    /// Empties the server, and waits until it has freed everything.
    pub fn flush(&mut self) -> RedisResult<()> {
        cmd("FLUSHALL").arg("SYNC").exec(&mut self.connection)?;
        loop {
            let info: String = cmd("INFO").arg("memory").query(&mut self.connection)?;
            if matches!(field(&info, "lazyfree_pending_objects"), None | Some("0")) {
                return Ok(());
            }
            std::thread::yield_now();
        }
    }

    /// What the data takes, in bytes.
    pub fn used_memory(&mut self) -> RedisResult<f64> {
        let info: String = cmd("INFO").arg("memory").query(&mut self.connection)?;
        Ok(number(&info, "used_memory"))
    }

    /// A call that is not measured.
    pub fn call(&mut self, call: &Call) -> RedisResult<Value> {
        call.cmd.query(&mut self.connection)
    }

    /// Commands in one round trip, not measured.
    pub fn send(&mut self, commands: &Pipeline) -> RedisResult<Vec<Value>> {
        commands.query(&mut self.connection)
    }

    /// Commands in one round trip: their replies, and us of CPU for all of them.
    pub fn cost_of(&mut self, commands: &Pipeline) -> RedisResult<(Vec<Value>, f64)> {
        let before = self.cpu()?;
        let replies = self.send(commands)?;
        let cpu = self.cpu()? - before - self.around;
        Ok((replies, cpu.max(0.0)))
    }

    /// Commands in a round trip each: their replies, and us of CPU for all of them, the server's part of the trips too.
    pub fn cost_of_each(&mut self, commands: &[Cmd]) -> RedisResult<(Vec<Value>, f64)> {
        let before = self.cpu()?;
        let mut replies = Vec::new();
        for command in commands {
            replies.push(command.query(&mut self.connection)?);
        }
        let cpu = self.cpu()? - before - self.around;
        Ok((replies, cpu.max(0.0)))
    }

    /// A call as a client makes it: where it answers MORE, a sweep and the call again.
    pub fn drive(
        &mut self,
        cost: &mut Cost,
        queue: &Queue,
        now: u64,
        call: &Call,
    ) -> RedisResult<Value> {
        cost.calls += 1;
        loop {
            match self.timed(cost, call)? {
                Ok(reply) => return Ok(reply),
                Err(error) if error.code() == Some("MORE") => {
                    self.timed(cost, &queue.call(&SWEEP, (at(now), "", "")))??;
                    cost.sweeps += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One call, whatever it answers.
    pub fn attempt(&mut self, cost: &mut Cost, call: &Call) -> RedisResult<()> {
        cost.calls += 1;
        self.timed(cost, call).map(drop)
    }

    fn timed(&mut self, cost: &mut Cost, call: &Call) -> RedisResult<RedisResult<Value>> {
        let (reply, cpu, slowlog) = self.read_around(&call.cmd)?;
        let cpu = (cpu - self.between).max(0.0);
        cost.each.push(cpu);
        if cpu > cost.longest.0 {
            cost.longest = (cpu, call.script.name());
        }
        if slowlog > cost.slowlog.0 {
            cost.slowlog = (slowlog, call.script.name());
        }
        Ok(reply)
    }

    /// Reply, us of CPU with what reading them costs, largest entry of the slowlog or 0.
    fn read_around(&mut self, command: &Cmd) -> RedisResult<(RedisResult<Value>, f64, u64)> {
        let mut commands = pipe();
        commands.cmd("SLOWLOG").arg("RESET").ignore();
        commands.cmd("INFO").arg("cpu");
        commands.add_command(command.clone());
        commands.cmd("INFO").arg("cpu");
        commands.cmd("SLOWLOG").arg("GET").arg(10).ignore_errors();
        let replies: Vec<RedisResult<Value>> = commands.query(&mut self.connection)?;
        let Ok([before, reply, after, slowlog]) = <[_; 4]>::try_from(replies) else {
            return Err(unexpected("another number of replies"));
        };
        let before: String = redis::from_redis_value(before?)?;
        let after: String = redis::from_redis_value(after?)?;
        let cpu = cpu_in(&after) - cpu_in(&before);
        let entries: Vec<Vec<Value>> = redis::from_redis_value(slowlog?)?;
        let largest = entries.iter().filter_map(|entry| match entry.get(2) {
            Some(Value::Int(us)) => u64::try_from(*us).ok(),
            _ => None,
        });
        Ok((reply, cpu, largest.max().unwrap_or(0)))
    }

    fn cpu(&mut self) -> RedisResult<f64> {
        let info: String = cmd("INFO").arg("cpu").query(&mut self.connection)?;
        Ok(cpu_in(&info))
    }
}

/// The name of a script's worst, for a table.
pub fn or_none(script: &'static str) -> &'static str {
    if script.is_empty() { "-" } else { script }
}

/// The one in the middle.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What a script of this crate should never answer here.
pub fn unexpected(what: &'static str) -> RedisError {
    (redis::ErrorKind::UnexpectedReturnType, what).into()
}

fn cpu_in(info: &str) -> f64 {
    let main_thread =
        number(info, "used_cpu_user_main_thread") + number(info, "used_cpu_sys_main_thread");
    let seconds = if main_thread.is_nan() {
        number(info, "used_cpu_user") + number(info, "used_cpu_sys")
    } else {
        main_thread
    };
    seconds * 1e6
}

fn number(info: &str, name: &str) -> f64 {
    let value = field(info, name).and_then(|value| value.parse().ok());
    value.unwrap_or(f64::NAN)
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = info.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}

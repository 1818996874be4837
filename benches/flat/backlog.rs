//! Whether any call is long over what a queue can have piled up: what is claimed, expired, lapsed,
//! delayed.
//!
//! Guards the bound of 5 ms, shown by the slowlog, and says what the sweeps cost that keep it.

use redis::{RedisResult, Value};

use marconi_redis::script::{FIRST, LIST, QUEUE_DELETE, QUEUE_PURGE, QUEUE_STATS, Script};

use crate::Size;
use crate::meter::{Cost, Meter, unexpected};
use crate::queue::{Call, DEFAULT, FOURTEEN_DAYS, HOUR, Queue, START, at, body};
use crate::report::Table;

const MINUTE: u64 = 60_000;
/// A walk past what is expired or claimed is given up after so many calls: they are all alike.
const CALLS: usize = 400;

/// A queue with something piled up, and the table of what was asked of it.
struct Case<'a> {
    meter: &'a mut Meter,
    table: &'a mut Table,
    queue: Queue,
    body: &'a [u8],
    now: u64,
}

/// Each case begins on an empty server.
pub fn measure(meter: &mut Meter, size: Size) -> RedisResult<Table> {
    let mut table = Table::of_calls("the driver calls until it has its answer");
    let million = size.million;
    let tenth = million / 10;
    let body = body(100);
    let mut case = |reserved: &[(&str, &str)], run: &dyn Fn(&mut Case) -> RedisResult<()>| {
        meter.flush()?;
        let queue = Queue::create(meter, "backlog", reserved)?;
        run(&mut Case {
            meter: &mut *meter,
            table: &mut table,
            queue,
            body: &body,
            now: START,
        })
    };

    case(&[], &|case| case.claimed(tenth))?;
    case(&[], &|case| case.expired(million, "one ttl", &|_| MINUTE))?;
    case(&[], &|case| {
        case.expired(million, "mixed ttls", &|i| {
            MINUTE - (i * 7919 % 50_000) as u64
        })
    })?;
    case(&[], &|case| case.lapsed(tenth, &[1], "all back"))?;
    case(&[], &|case| {
        case.lapsed(million, &[10], "all back")?;
        case.once(&QUEUE_PURGE, &format!("purge of {million} that came back"))
    })?;
    // A sweep takes whole claims: what it may take is nearly full when the largest comes.
    let uneven: Vec<usize> = (0..250).map(|i| if i == 249 { 250 } else { 1 }).collect();
    case(&[], &|case| case.lapsed(tenth, &uneven, "all back"))?;
    let used_up = [("_max_claim_count", "1"), ("_dead_letter_queue", "dead")];
    case(&used_up, &|case| case.lapsed(tenth, &[1], "all dead"))?;
    case(&used_up, &|case| case.lapsed(tenth, &uneven, "all dead"))?;
    case(&[], &|case| case.delayed(tenth))?;
    case(&[], &|case| case.holes(tenth))?;
    case(&[], &|case| case.indexed(million))?;
    Ok(table)
}

impl Case<'_> {
    /// Listing past what is claimed.
    fn claimed(&mut self, many: usize) -> RedisResult<()> {
        self.fill(many + 1000, DEFAULT)?;
        let claimed = self.now;
        self.hold(many, &[10])?;
        self.list(&format!("list what is free, past {many} claimed"), "")?;
        self.list(&format!("list all, {many} of it claimed"), "1")?;
        // The first hundred lapse then.
        self.now = claimed + HOUR;
        self.list("list what is free, while claims have lapsed", "")
    }

    /// Everything has expired, but for what was posted last.
    fn expired(&mut self, many: usize, what: &str, ttl: &dyn Fn(usize) -> u64) -> RedisResult<()> {
        self.fill(many, |i| (ttl(i).to_string(), String::new()))?;
        self.now += MINUTE;
        self.fill(1000, |_| (MINUTE.to_string(), String::new()))?;
        let behind = format!("behind {many} expired, {what}");
        self.first(&format!("first, oldest, {behind}"), "")?;
        self.first(&format!("first, newest, {behind}"), "1")?;
        self.list(&format!("list {behind}"), "")?;
        self.claim_by_force(&behind)?;
        self.claim(&behind)
    }

    /// All claims have lapsed at once.
    fn lapsed(&mut self, many: usize, each: &[usize], fate: &str) -> RedisResult<()> {
        self.fill(many + 1000, DEFAULT)?;
        let claims = self.hold(many, each)?;
        self.now += 2 * HOUR;
        let what = format!("{claims} claims of {many} lapsed, {fate}");
        self.claim_by_force(&what)?;
        self.claim(&what)
    }

    /// Delayed messages stand before the only ones that can be claimed; then they have matured.
    fn delayed(&mut self, many: usize) -> RedisResult<()> {
        self.fill(many, |_| (String::new(), HOUR.to_string()))?;
        self.fill(20, DEFAULT)?;
        let behind = format!("behind {many} delayed");
        self.list(&format!("list {behind}"), "")?;
        self.claim(&behind)?;
        self.now += HOUR;
        self.claim(&format!("{many} matured"))
    }

    /// Nearly all of the log is deleted, the rest lies scattered.
    fn holes(&mut self, many: usize) -> RedisResult<()> {
        self.fill(many, DEFAULT)?;
        self.queue
            .delete_at_random(self.meter, self.now, many, many / 100)?;
        let mut cost = Cost::default();
        for _ in 0..(many / 100 / 250).clamp(1, 10) {
            let claim = self.queue.claim(self.now, HOUR, 250);
            self.meter.drive(&mut cost, &self.queue, self.now, &claim)?;
        }
        let what = format!("claim of 250, where 99 % of {many} were deleted");
        self.table.calls(what, &cost);
        Ok(())
    }

    /// Most messages have a ttl of their own, a tenth is claimed.
    fn indexed(&mut self, many: usize) -> RedisResult<()> {
        let ttl = |i: usize| (FOURTEEN_DAYS - (i % 10) as u64).to_string();
        self.fill(many, |i| (ttl(i), String::new()))?;
        self.hold(many / 10, &[10])?;
        self.once(&QUEUE_STATS, &format!("stats of {many}"))?;
        self.once(&QUEUE_DELETE, &format!("queue/delete of {many}"))
    }

    fn once(&mut self, script: &'static Script, what: &str) -> RedisResult<()> {
        let call = self.queue.call(script, at(self.now));
        let mut cost = Cost::default();
        self.meter.drive(&mut cost, &self.queue, self.now, &call)?;
        self.table.calls(what, &cost);
        Ok(())
    }

    fn fill(&mut self, many: usize, shape: impl Fn(usize) -> (String, String)) -> RedisResult<()> {
        self.now = self
            .queue
            .fill(self.meter, self.now, many, shape, self.body)?;
        Ok(())
    }

    /// Answers how many claims there are now; none has lapsed.
    fn hold(&mut self, many: usize, each: &[usize]) -> RedisResult<usize> {
        let claims = self.queue.hold(self.meter, self.now, many, each)?.len();
        self.now += claims as u64 / 100 + 1;
        Ok(claims)
    }

    fn claim(&mut self, what: &str) -> RedisResult<()> {
        let mut cost = Cost::default();
        let call = self.queue.claim(self.now, HOUR, 10);
        let reply = self.meter.drive(&mut cost, &self.queue, self.now, &call)?;
        // Where many delayed ones stand between, it takes what is before them.
        if reply.as_sequence().map_or(0, <[Value]>::len) < 5 + 4 {
            return Err(unexpected("a claim that is empty-handed"));
        }
        self.table.calls(format!("claim of 10, {what}"), &cost);
        Ok(())
    }

    /// The first call alone, whatever it answers.
    fn claim_by_force(&mut self, what: &str) -> RedisResult<()> {
        let mut cost = Cost::default();
        let call = self.queue.claim_by_force(self.now, HOUR, 250);
        self.meter.attempt(&mut cost, &call)?;
        self.table
            .calls(format!("forced claim of 250, {what}"), &cost);
        Ok(())
    }

    fn first(&mut self, what: &str, newest: &str) -> RedisResult<()> {
        self.walk(what, |queue, now, marker| {
            queue.call(&FIRST, (at(now), marker, newest))
        })
    }

    fn list(&mut self, what: &str, claimed: &str) -> RedisResult<()> {
        self.walk(what, |queue, now, marker| {
            queue.call(&LIST, (at(now), marker, 250, "", claimed, ""))
        })
    }

    /// From marker to marker.
    fn walk(&mut self, what: &str, call: impl Fn(&Queue, u64, &str) -> Call) -> RedisResult<()> {
        let mut cost = Cost::default();
        let (mut state, mut marker) = (1, String::new());
        while state != 0 && cost.calls < CALLS {
            let call = call(&self.queue, self.now, &marker);
            let reply = self.meter.drive(&mut cost, &self.queue, self.now, &call)?;
            (state, marker) = state_and_marker(reply)?;
        }
        self.table.calls(what, &cost);
        Ok(())
    }
}

/// The second and third value of a reply of `list` or `first`.
fn state_and_marker(reply: Value) -> RedisResult<(u64, String)> {
    let mut values = reply.into_sequence().unwrap_or_default().into_iter();
    let state = redis::from_redis_value(values.nth(1).unwrap_or_default())?;
    let marker = redis::from_redis_value(values.next().unwrap_or_default())?;
    Ok((state, marker))
}

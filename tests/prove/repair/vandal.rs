//! Damage done to the keys of a queue, by commands that somebody could type.
//!
//! Guards the proof: each damage has a target of its own, chosen by the seed.

use marconi_redis::Queue;
use marconi_redis::keys::Part;
use redis::aio::MultiplexedConnection;

use super::damage::Damage;
use super::ledger::Ledger;
use super::targets::{HeldBy, Keys, Targets, padded, take};
use crate::rng::Rng;

/// The messages of a claim, at most.
const MOST: usize = 250;

struct Vandal<'a> {
    keys: Keys<'a>,
    targets: Targets,
    rng: &'a mut Rng,
    ledger: &'a Ledger,
    queue: &'a Queue,
    done: Vec<Damage>,
}

/// So many of each kind.
pub async fn spoil(
    connection: &mut MultiplexedConnection,
    queue: &Queue,
    ledger: &Ledger,
    many: usize,
    rng: &mut Rng,
) -> Vec<Damage> {
    let mut keys = Keys {
        connection,
        keys: queue.keys(),
    };
    let targets = Targets::of(&mut keys).await;
    let mut vandal = Vandal {
        keys,
        targets,
        rng,
        ledger,
        queue,
        done: Vec::new(),
    };
    for _ in 0..many {
        vandal.spoil_claims().await;
        vandal.spoil_held().await;
        vandal.spoil_returned_and_delayed().await;
        vandal.spoil_fresh().await;
    }
    vandal.leave_dangling().await;
    vandal.done
}

impl Vandal<'_> {
    async fn do_to(&mut self, part: Part, command: &str, args: &[&str]) {
        self.keys.run::<redis::Value>(command, part, args).await;
    }

    fn note(&mut self, kind: &'static str, about: &str, sentence: &'static str) {
        self.done.push(Damage {
            kind,
            about: Some(about.to_owned()),
            sentence,
        });
    }

    /// A claim with its messages.
    fn claim(&mut self) -> HeldBy {
        take(&mut self.targets.claims, self.rng).expect("claims enough")
    }

    /// A claim that can hold one message more: a record of too many is no record.
    fn claim_with_room(&mut self) -> HeldBy {
        loop {
            let claim = self.claim();
            if claim.ids.len() < MOST {
                return claim;
            }
        }
    }

    async fn spoil_claims(&mut self) {
        let HeldBy { claim, .. } = self.claim();
        self.do_to(Part::Held, "HDEL", &[&claim]).await;
        self.note("a claim without its record", &claim, "yet no record");

        let HeldBy { claim, .. } = self.claim();
        self.do_to(Part::Claims, "ZREM", &[&claim]).await;
        self.note("a claim without its deadline", &claim, "yet no deadline");

        let HeldBy { claim, record, .. } = self.claim();
        let torn = &record[..self.rng.below(30)];
        self.do_to(Part::Held, "HSET", &[&claim, torn]).await;
        self.note("a torn record", &claim, "can not be read");

        let HeldBy { claim, .. } = self.claim();
        self.do_to(Part::Claims, "ZADD", &["inf", &claim]).await;
        self.note(
            "a deadline that never comes",
            &claim,
            "a deadline that is no time",
        );

        let HeldBy { claim, record, ids } = self.claim_with_room();
        let twice = record.replacen(&ids[0], &format!("{0},{0}", ids[0]), 1);
        self.do_to(Part::Held, "HSET", &[&claim, &twice]).await;
        self.note("a message listed twice", &claim, "twice");

        let (a, b) = (self.claim_with_room(), self.claim());
        let more = a
            .record
            .replacen(&a.ids[0], &format!("{},{}", b.ids[0], a.ids[0]), 1);
        self.do_to(Part::Held, "HSET", &[&a.claim, &more]).await;
        self.note(
            "a message of two claims",
            &a.claim,
            "which it does not hold",
        );

        let HeldBy { claim, record, ids } = self.claim();
        let fields: Vec<_> = record.splitn(5, ' ').collect();
        let late = [&fields[..3], &["9000000000000"], &fields[4..]]
            .concat()
            .join(" ");
        self.do_to(Part::Held, "HSET", &[&claim, &late]).await;
        self.note("earliest that is too late", &ids[0], "before `earliest`");
    }

    async fn spoil_held(&mut self) {
        let HeldBy { claim, ids, .. } = self.claim();
        self.do_to(Part::Held, "HDEL", &[&ids[0]]).await;
        self.note(
            "a message that its claim lost",
            &claim,
            "which it does not hold",
        );

        let HeldBy { ids, .. } = self.claim();
        self.do_to(Part::Returned, "ZADD", &["0", &padded(&ids[0])])
            .await;
        self.note("held and returned", &ids[0], "is in 2 of");

        let HeldBy { ids, .. } = self.claim();
        self.do_to(Part::Delayed, "ZADD", &["9000000000000", &ids[0]])
            .await;
        self.note("held and delayed", &ids[0], "is in 2 of");

        let (HeldBy { ids, .. }, other) = (self.claim(), self.claim());
        self.do_to(Part::Held, "HSET", &[&ids[0], &other.claim])
            .await;
        self.note(
            "held by a claim that knows nothing of it",
            &ids[0],
            "does not list it",
        );

        let HeldBy { claim, ids, .. } = self.claim();
        let deadline: f64 = self.keys.run("ZSCORE", Part::Claims, &[&claim]).await;
        let before = format!("{:.0}", deadline - 60_000.0);
        self.do_to(Part::Expiry, "ZADD", &[&before, &ids[0]]).await;
        self.do_to(Part::Held, "HSET", &[&ids[0], &claim]).await;
        self.note(
            "held, and expires under its claim",
            &ids[0],
            "expires before the claim",
        );
        self.note("held without the mark", &ids[0], "without the mark");

        // The only one that is to be gone for good.
        let HeldBy { ids, .. } = self.claim();
        let message = self
            .queue
            .get(ids[0].parse().expect("an id"))
            .await
            .expect("a message");
        self.ledger.is_gone([&message]);
        self.do_to(Part::Log, "XDEL", &[&ids[0]]).await;
        self.note(
            "held, and not in the log",
            &ids[0],
            "is held, and yet not in the log",
        );
    }

    async fn spoil_returned_and_delayed(&mut self) {
        let mut member = || take(&mut self.targets.returned, self.rng).expect("returned enough");
        let (lost, scored, tried, bare) = (member(), member(), member(), member());
        self.do_to(Part::Returned, "ZREM", &[&lost]).await;
        self.note("it stands nowhere", &plain(&lost), "is in 0 of");
        self.do_to(Part::Returned, "ZADD", &["7", &scored]).await;
        self.note("returned with a score", &scored, "has a score");
        self.do_to(Part::Tries, "HSET", &[&plain(&tried), "many"])
            .await;
        self.note(
            "tries that are no number",
            &plain(&tried),
            "tries that are no number",
        );
        self.do_to(Part::Returned, "ZREM", &[&bare]).await;
        self.do_to(Part::Returned, "ZADD", &["0", &plain(&bare)])
            .await;
        self.note("returned under a bare id", &plain(&bare), "is no padded id");

        let mut id = || take(&mut self.targets.nacked, self.rng).expect("nacked enough");
        let (lost, never) = (id(), id());
        self.do_to(Part::Delayed, "ZREM", &[&lost]).await;
        self.note("nacked, and its delay is lost", &lost, "is in 0 of");
        self.do_to(Part::Delayed, "ZADD", &["inf", &never]).await;
        self.note(
            "a delay without an end",
            &never,
            "is delayed until it has expired",
        );
    }

    async fn spoil_fresh(&mut self) {
        let HeldBy { claim, .. } = self.claim();
        let mut id = || take(&mut self.targets.fresh, self.rng).expect("fresh ones enough");
        let (tried, delayed, indexed, held) = (id(), id(), id(), id());
        self.do_to(Part::Tries, "HSET", &[&tried, "2"]).await;
        self.note("fresh, with tries", &tried, "yet has tries");
        self.do_to(Part::Delayed, "ZADD", &["9000000000000", &delayed])
            .await;
        self.note(
            "fresh, delayed by nobody",
            &delayed,
            "posted without a delay",
        );
        self.do_to(Part::Expiry, "ZADD", &["9000000000000", &indexed])
            .await;
        self.note(
            "fresh, with an expiry of nobody's",
            &indexed,
            "expires in order, and yet",
        );
        self.do_to(Part::Held, "HSET", &[&held, &claim]).await;
        self.note("fresh, and held", &held, "after the cursor, and yet held");

        let mut id = || take(&mut self.targets.indexed, self.rng).expect("indexed enough");
        let (lost, never) = (id(), id());
        self.do_to(Part::Expiry, "ZREM", &[&lost]).await;
        self.note("its expiry is lost", &lost, "has a ttl of its own");
        self.do_to(Part::Expiry, "ZADD", &["inf", &never]).await;
        self.note("it never expires", &never, "expires at no time");
    }

    /// What names messages and claims that are not there, and fields of meta.
    async fn leave_dangling(&mut self) {
        let HeldBy { claim, .. } = self.claim();
        self.do_to(Part::Held, "HSET", &["7-7", &claim, "neither", "x"])
            .await;
        self.do_to(Part::Tries, "HSET", &["7-8", "1"]).await;
        self.do_to(Part::Delayed, "ZADD", &["9000000000000", "7-9"])
            .await;
        self.do_to(Part::Expiry, "ZADD", &["9000000000000", "7-10"])
            .await;
        let gone = padded("7-11");
        self.do_to(Part::Returned, "ZADD", &["0", &gone, "0", "no id"])
            .await;
        self.do_to(Part::Claims, "ZADD", &["9000000000000", "no claim"])
            .await;
        self.note("a dangling hold", "7-7", "not in the log");
        self.note("a hold of nothing", "neither", "not in the log");
        self.note("dangling tries", "7-8", "stands in tries");
        self.note("a dangling delay", "7-9", "stands in delayed");
        self.note("a dangling expiry", "7-10", "stands in expiry");
        self.note(
            "returned and gone",
            &gone,
            "is returned, and yet not in the log",
        );
        self.note("returned, and no id", "no id", "is no padded id");
        self.note("a deadline of no claim", "no claim", "yet no record");
        self.do_to(
            Part::Meta,
            "HSET",
            &["waiting_until", "x", "tokens_since", "x"],
        )
        .await;
        self.note(
            "waiting_until that is no number",
            "meta",
            "waiting_until is no number",
        );
        self.note(
            "tokens_since that is no number",
            "meta",
            "tokens_since is no number",
        );
    }
}

/// The id that a padded one stands for.
fn plain(member: &str) -> String {
    let (ms, seq) = member.split_once('-').expect("a padded id");
    let number = |digits: &str| digits.parse::<u64>().expect("digits");
    format!("{}-{}", number(ms), number(seq))
}

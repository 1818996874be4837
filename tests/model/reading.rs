//! Operations that only look: get, list, first, stats.
//!
//! Guards what is shown: exactly what lives at that ms, in order, with nothing left out.

use crate::args;
use crate::envelope::check_envelope;
use crate::queue::{Message, State};
use crate::reply::{self, Id, Shown};
use crate::rules::refused;
use crate::world::World;

pub struct Filter<'a> {
    pub client: &'a str,
    pub claimed: bool,
    pub delayed: bool,
}

pub const EVERYTHING: Filter = Filter {
    client: "",
    claimed: true,
    delayed: true,
};

impl World {
    pub fn get(&mut self, q: usize) {
        let many = if self.rng.percent(5) {
            251
        } else {
            self.pick_count()
        };
        let ids = self.pick_ids(q, many);
        self.get_these(q, &ids);
    }

    pub fn get_these(&mut self, q: usize, ids: &[String]) {
        let outcome = self.call(q, "get", args![self.now, ids]);
        let expected = if ids.len() > 250 {
            refused("TOOLARGE", "ids")
        } else {
            Ok(())
        };
        let Some((reply, ())) = self.agree(outcome, expected) else {
            return;
        };
        let values = reply::list(&reply);
        assert_eq!(reply::int(&values[0]), self.now, "now");
        let queue = &self.queues[q];
        let known = ids
            .iter()
            .filter_map(|text| queue.living(Id::parse(text)?, self.now));
        self.check_shown(q, &reply::shown(&values[1..]), &known.collect::<Vec<_>>());
    }

    /// Whether the reply shows these messages as they are now.
    fn check_shown(&self, q: usize, shown: &[Shown], known: &[&Message]) {
        let queue = &self.queues[q];
        let expected = |m: &Message| -> (Id, u64, u64, u64, String) {
            let live = m
                .holder
                .clone()
                .filter(|holder| queue.is_live(holder, self.now));
            let delay = m.delayed.saturating_sub(self.now);
            (
                m.id,
                queue.claims_of(m),
                m.expires - m.id.ms,
                delay,
                live.unwrap_or_default(),
            )
        };
        let found: Vec<_> = shown
            .iter()
            .map(|s| (s.id, s.claims, s.ttl, s.delay, s.claim.clone()))
            .collect();
        let known_now: Vec<_> = known.iter().map(|m| expected(m)).collect();
        if found != known_now {
            let other = found.iter().zip(&known_now).find(|(a, b)| a != b);
            panic!(
                "shown otherwise (id, claims, ttl, delay, claim): {other:?}; {} of {}",
                found.len(),
                known_now.len()
            );
        }
        for (shown, message) in shown.iter().zip(known) {
            check_envelope(&shown.envelope, message);
        }
    }

    pub fn list(&mut self, q: usize) {
        let client = self.pick_client();
        let filter = Filter {
            client: &client,
            claimed: self.rng.percent(40),
            delayed: self.rng.percent(50),
        };
        let marker = match self.rng.below(3) {
            0 => String::new(),
            _ => self.pick_id(q),
        };
        // Padded text is an id too, as a marker: it has a place in the order.
        let place = place_of(&marker);
        let limit = self.pick_count();
        if place.is_none() {
            let outcome = self.call(q, "list", args![self.now, marker, limit, "", "", ""]);
            self.agree::<()>(outcome, refused("BADARG", "marker"));
            return;
        }
        self.list_page(q, &marker, limit, &filter);
    }

    /// A page, filled over continuations. Answers the marker after it, and whether it was the last.
    pub fn list_page(
        &mut self,
        q: usize,
        marker: &str,
        limit: usize,
        filter: &Filter,
    ) -> (String, bool) {
        let from = place_of(marker).expect("a good marker");
        let expected: Vec<Id> = {
            let queue = &self.queues[q];
            let all = queue.all_living(self.now).into_iter().filter(|m| {
                let state = queue.state(m, self.now);
                m.id > from
                    && (filter.claimed || state != State::Claimed)
                    && (filter.delayed || state != State::Delayed)
                    && (filter.client.is_empty() || m.client != filter.client)
            });
            all.map(|m| m.id).collect()
        };
        let (mut marker, mut found): (String, Vec<Shown>) = (marker.into(), Vec::new());
        for round in 0.. {
            assert!(round < 1000, "a list comes to no end");
            let flag = |set: bool| if set { "1" } else { "" };
            let left = limit - found.len();
            let (claimed, delayed) = (flag(filter.claimed), flag(filter.delayed));
            let args = args![self.now, marker, left, filter.client, claimed, delayed];
            let reply = self
                .call(q, "list", args)
                .expect("a list of good arguments");
            let values = reply::list(&reply);
            assert_eq!(reply::int(&values[0]), self.now, "now");
            let page = reply::shown(&values[3..]);
            let ids: Vec<Id> = page.iter().map(|shown| shown.id).collect();
            found.extend(page);
            marker = reply::text(&values[2]);
            let place = place_of(&marker).expect("a marker that can be used");
            let passed = expected.iter().filter(|id| **id <= place).count();
            assert!(found.len() <= limit, "{} for {limit}", found.len());
            assert_eq!(
                found.len(),
                passed,
                "what is listed up to the marker {marker}"
            );
            match reply::int(&values[1]) {
                0 => assert_eq!(found.len(), expected.len(), "listed at the end"),
                1 if found.len() < limit => continue,
                1 => {}
                2 => {
                    let before = found.len() - ids.len();
                    self.check_page(q, &ids, &expected[before..], left);
                }
                state => panic!("state {state} of a list"),
            }
            let known: Vec<&Message> = expected[..found.len()]
                .iter()
                .map(|id| &self.queues[q].log[id])
                .collect();
            self.check_shown(q, &found, &known);
            return (marker, reply::int(&values[1]) == 0);
        }
        unreachable!()
    }

    pub fn first(&mut self, q: usize) {
        let newest = self.rng.percent(50);
        let mut marker = String::new();
        for round in 0.. {
            assert!(round < 1000, "first comes to no end");
            let args = args![self.now, marker, if newest { "1" } else { "" }];
            let reply = self
                .call(q, "first", args)
                .expect("first of good arguments");
            let values = reply::list(&reply);
            marker = reply::text(&values[2]);
            if reply::int(&values[1]) == 1 {
                assert_eq!(values.len(), 3, "a continuation shows nothing");
                continue;
            }
            let all = self.queues[q].all_living(self.now);
            let end = if newest { all.last() } else { all.first() };
            let known: Vec<&Message> = end.into_iter().copied().collect();
            self.check_shown(q, &reply::shown(&values[3..]), &known);
            return;
        }
    }

    pub fn stats(&mut self, q: usize) {
        let outcome = self.call_through(q, "queue/stats", args![self.now], "");
        let queue = &self.queues[q];
        let expected = if queue.exists {
            Ok(())
        } else {
            refused("QUEUEGONE", "")
        };
        let Some((reply, ())) = self.agree(outcome, expected) else {
            return;
        };
        let queue = &self.queues[q];
        let count = |state| {
            queue
                .log
                .values()
                .filter(|m| queue.state(m, self.now) == state)
                .count() as u64
        };
        let (free, claimed, delayed) = (
            count(State::Free),
            count(State::Claimed),
            count(State::Delayed),
        );
        let dead = queue.outbox.len() + queue.living_letters(self.now).count();
        let values = reply::list(&reply);
        let found: Vec<u64> = values[..6].iter().map(reply::int).collect();
        let total = free + claimed + delayed;
        assert_eq!(
            found,
            [self.now, free, claimed, delayed, total, dead as u64],
            "now, free, claimed, delayed, total, dead"
        );
        let all = queue.all_living(self.now);
        let name = |end: Option<&&Message>| end.map(|m| m.id.to_string()).unwrap_or_default();
        assert_eq!(reply::text(&values[6]), name(all.first()), "the oldest");
        assert_eq!(reply::text(&values[7]), name(all.last()), "the newest");
        let ledger = &queue.ledger;
        assert_eq!(
            ledger.came(),
            total + ledger.left(),
            "what became of what came: {ledger:?}"
        );
        assert_eq!(
            ledger.died + ledger.sent_back,
            dead as u64 + ledger.letters_left(),
            "what became of the letters: {ledger:?}"
        );
    }
}

/// Where an id stands in the order, also one that is written with zeros in front.
pub fn place_of(marker: &str) -> Option<Id> {
    if marker.is_empty() {
        return Some(Id::default());
    }
    let (ms, seq) = marker.split_once('-')?;
    let digits = |text: &str, most| {
        (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    (digits(ms, 15) && digits(seq, 16)).then(|| Id {
        ms: ms.parse().expect("digits"),
        seq: seq.parse().expect("digits"),
    })
}

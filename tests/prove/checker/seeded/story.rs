//! A small history in which everything happens once, as it should.
//!
//! Guards nothing by itself. Times are ms from its start; an operation takes most of one ms, and they are apart by more
//! than clocks can be.

use super::super::{Audit, Rest};
use crate::history::{Body, Call, Id, Op, Outcome, Seen, Taken};
use crate::plan::{Rules, groups};

/// When it begins, in ms.
const START: u64 = 1_700_000_000_000;

/// Long enough for everybody, in ms.
pub const TTL: u64 = 1_209_600_000;

pub struct Story {
    pub rules: Vec<Rules>,
    pub ops: Vec<Op>,
    pub audit: Audit,
}

/// Claims, by the order in which they come.
pub const X: &str = "00000000-0000-4000-8000-00000000000a";
pub const Y: &str = "00000000-0000-4000-8000-00000000000b";
pub const Z: &str = "00000000-0000-4000-8000-00000000000c";
pub const V: &str = "00000000-0000-4000-8000-00000000000d";
pub const W: &str = "00000000-0000-4000-8000-00000000000e";
pub const U: &str = "00000000-0000-4000-8000-00000000000f";
pub const L: &str = "00000000-0000-4000-8000-000000000011";
/// One that finds nothing.
pub const EMPTY: &str = "00000000-0000-4000-8000-000000000010";

pub fn id(ms: u64, seq: u64) -> Id {
    Id(START + ms, seq)
}

/// A message of the first post, by its place.
pub fn first(place: u32) -> (Id, Body) {
    (id(0, u64::from(place)), Body(0, 0, place))
}

/// The dead letter that the third of them becomes, the delayed one, and the last one.
pub const LETTER: (u64, Body) = (130, Body(0, 0, 2));
pub const DELAYED: (u64, Body) = (180, Body(0, 180, 0));
pub const LAST: (u64, Body) = (250, Body(0, 250, 0));

pub fn taken((id, body): (Id, Body), claims: u64) -> Taken {
    Taken {
        id,
        claims,
        ttl: TTL,
        body,
    }
}

fn at((ms, body): (u64, Body)) -> (Id, Body) {
    (id(ms, 0), body)
}

pub fn refused(word: &str, about: impl ToString) -> Outcome {
    Outcome::Refused {
        word: word.to_owned(),
        about: about.to_string(),
    }
}

pub fn claim(claim: &str, ttl: u64, limit: usize) -> Call {
    Call::Claim {
        claim: claim.to_owned(),
        ttl,
        grace: 5,
        limit,
        wait: None,
    }
}

pub fn claimed(ms: u64, ttl: u64, messages: Vec<Taken>) -> Outcome {
    let now = START + ms;
    Outcome::Claimed {
        now,
        fence: now * 1000 + 500,
        deadline: now + ttl,
        messages,
    }
}

pub fn delete(claim: Option<&str>, ids: &[Id]) -> Call {
    Call::Delete {
        claim: claim.map(str::to_owned),
        ids: ids.to_vec(),
    }
}

pub fn nack(claim: &str, id: Id, delay: u64) -> Call {
    Call::Nack {
        claim: claim.to_owned(),
        ids: vec![id],
        delay,
        untried: false,
    }
}

pub fn release(claim: &str, untried: bool) -> Call {
    let claim = claim.to_owned();
    Call::Release { claim, untried }
}

pub fn renew(claim: &str, ttl: u64) -> Call {
    Call::Renew {
        claim: claim.to_owned(),
        ttl,
        grace: 5,
    }
}

pub fn post(stem: u32, count: u32, delay: Option<u64>, token: Option<&str>) -> Call {
    Call::Post {
        stem,
        count,
        ttl: None,
        delay,
        token: token.map(str::to_owned),
    }
}

pub fn counted(free: u64, claimed: u64, ends: Option<(Id, Id)>) -> Outcome {
    Outcome::Counted {
        free,
        claimed,
        delayed: 0,
        total: free + claimed,
        dead: 0,
        oldest: ends.map(|ends| ends.0),
        newest: ends.map(|ends| ends.1),
    }
}

impl Story {
    /// An operation of queue 0 by client 0, or of another.
    pub fn add(&mut self, ms: u64, call: Call, got: Outcome) -> &mut Op {
        let begun = (START + ms) * 1000;
        self.ops.push(Op {
            who: 0,
            n: ms as u32,
            queue: 0,
            begun: begun + 100,
            ended: begun + 900,
            call,
            got,
        });
        self.ops.last_mut().expect("the one just added")
    }

    /// The operation that began then.
    pub fn at(&mut self, ms: u64) -> &mut Op {
        let begun = (START + ms) * 1000 + 100;
        self.ops
            .iter_mut()
            .find(|op| op.begun == begun)
            .expect("an operation at that time")
    }

    /// The messages of a claim that was granted then.
    pub fn messages_at(&mut self, ms: u64) -> &mut Vec<Taken> {
        match &mut self.at(ms).got {
            Outcome::Claimed { messages, .. } | Outcome::Popped { messages, .. } => messages,
            other => panic!("{other:?} has no messages"),
        }
    }

    /// Two claims a message, and dead letters go to the second queue.
    pub fn good() -> Story {
        let mut rules = groups()[1].clone();
        rules[0].max_claims = Some(2);
        let seen = |(id, body): (Id, Body)| Seen {
            id,
            claim: None,
            body,
        };
        let rest = Rest {
            messages: vec![seen(at(DELAYED)), seen(at(LAST))],
            letters: Vec::new(),
        };
        let audit = Audit {
            from: (START + 1000) * 1000,
            to: (START + 1010) * 1000,
            rests: vec![rest, Rest::default()],
        };
        let mut story = Story {
            rules,
            ops: Vec::new(),
            audit,
        };
        story.claims();
        story.ends();
        story
    }

    /// Four messages: one is deleted, one comes back, one lapses.
    fn claims(&mut self) {
        let [m0, m1, m2, m3] = [0, 1, 2, 3].map(first);
        let ids = [m0.0, m1.0, m2.0, m3.0].to_vec();
        self.add(0, post(0, 4, None, None), Outcome::Posted(ids));
        self.add(
            10,
            claim(X, 100, 2),
            claimed(10, 100, vec![taken(m0, 1), taken(m1, 1)]),
        );
        self.add(20, claim(Y, 50, 1), claimed(20, 50, vec![taken(m2, 1)]));
        self.add(30, delete(Some(X), &[m0.0]), Outcome::Done(1));
        self.add(40, delete(None, &[m1.0]), refused("CLAIMED", m1.0));
        self.add(50, nack(X, m1.0, 0), Outcome::Done(1));
        self.add(60, claim(Z, 100, 1), claimed(60, 100, vec![taken(m1, 2)]));
        self.add(80, claim(V, 200, 1), claimed(80, 200, vec![taken(m2, 2)]));
        let now = START + 90;
        let (fence, deadline) = ((START + 80) * 1000 + 500, now + 300);
        self.add(
            90,
            renew(V, 300),
            Outcome::Renewed {
                now,
                fence,
                deadline,
            },
        );
        self.add(100, delete(Some(Y), &[m2.0]), refused("CLAIMGONE", Y));
        self.add(105, delete(Some(Z), &[m2.0]), refused("NOTYOURS", m2.0));
        self.add(110, delete(Some(Z), &[m1.0]), Outcome::Done(1));
        self.add(120, Call::Stats, counted(1, 1, Some((m2.0, m3.0))));
    }

    /// One dies, one is popped; then one with a delay, and one that stays.
    fn ends(&mut self) {
        let m3 = first(3);
        let letter = at(LETTER);
        self.add(130, release(V, false), Outcome::Done(1));
        let popped = Outcome::Popped {
            now: START + 140,
            messages: vec![taken(m3, 0)],
        };
        self.add(
            140,
            Call::Pop {
                limit: 1,
                token: None,
                wait: None,
            },
            popped,
        );
        self.add(
            150,
            claim(W, 100, 1),
            claimed(150, 100, vec![taken(letter, 1)]),
        )
        .queue = 1;
        self.add(160, claim(EMPTY, 100, 1), Outcome::Nothing);
        self.add(170, delete(Some(W), &[letter.0]), Outcome::Done(1))
            .queue = 1;
        let delayed = at(DELAYED);
        self.add(
            180,
            post(180, 1, Some(50), Some("t")),
            Outcome::Posted(vec![delayed.0]),
        );
        self.add(
            190,
            post(190, 1, None, Some("t")),
            refused("TOKENREUSED", "t"),
        );
        self.add(200, claim(EMPTY, 100, 1), Outcome::Nothing);
        self.add(
            240,
            claim(U, 2000, 5),
            claimed(240, 2000, vec![taken(delayed, 1)]),
        );
        self.add(
            250,
            post(250, 1, None, None),
            Outcome::Posted(vec![at(LAST).0]),
        );
        self.add(260, renew(X, 100), refused("CLAIMGONE", X));
        self.add(
            270,
            Call::Get {
                claim: U.to_owned(),
            },
            claimed(270, 1970, vec![taken(delayed, 1)]),
        );
        // It shows the claim as it was made.
        let Outcome::Claimed { fence, .. } = &mut self.at(270).got else {
            return;
        };
        *fence = (START + 240) * 1000 + 500;
    }
}

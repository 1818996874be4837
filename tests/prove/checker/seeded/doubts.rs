//! Histories that look wrong and are not: lost answers, repeats, names used again, clocks that are a ms apart.
//!
//! Guards against false alarms: each of these passes.

use super::fault::{left, moved};
use super::story::*;
use crate::history::{Body, Call, Micros, Outcome};

pub type Doubt = (&'static str, fn(&mut Story));

pub const DOUBTS: &[Doubt] = &[
    (
        "a claim's id is used again, and that claim is released untried",
        |story| {
            story.add(
                85,
                claim(Y, 20, 1),
                claimed(85, 20, vec![taken(first(3), 1)]),
            );
            story.add(95, release(Y, true), Outcome::Done(1));
        },
    ),
    (
        "a claim's answer is lost, and it is asked for again",
        |story| {
            story.add(84, claim(L, 100, 1), Outcome::Lost);
            let mut again = claimed(86, 98, vec![taken(first(3), 1)]);
            if let Outcome::Claimed { fence, .. } = &mut again {
                *fence -= 2_000;
            }
            story.add(86, claim(L, 100, 1), again);
            story.add(88, release(L, true), Outcome::Done(1));
        },
    ),
    (
        "a claim's answer is lost for good, and it may hold what nobody finds",
        |story| {
            story.add(244, claim(L, 100, 1), Outcome::Lost);
            story.add(
                246,
                post(246, 1, None, None),
                Outcome::Posted(vec![id(246, 0)]),
            );
            story.add(248, claim(EMPTY, 100, 1), Outcome::Nothing);
            left(story, (id(246, 0), Body(0, 246, 0)));
        },
    ),
    (
        "a claim's answer is lost, it lapses, and asked for again it is a new one at once",
        |story| {
            story.add(84, claim(L, 2, 1), Outcome::Lost).ended += 6_100;
            story.add(85, claim(EMPTY, 100, 1), Outcome::Nothing).who = 1;
            story.add(91, claim(L, 2, 1), claimed(91, 2, vec![taken(first(3), 2)]));
            story.add(92, release(L, true), Outcome::Done(1));
            story.messages_at(140)[0].claims = 1;
        },
    ),
    (
        "a renewal's answer is lost, and it made the lease shorter",
        |story| {
            story
                .ops
                .retain(|op| !matches!(op.call, Call::Renew { .. }));
            story.add(45, renew(Y, 20), Outcome::Lost);
            moved(story, 80, 66);
        },
    ),
    (
        "a claim is renewed in the ms in which it was made",
        |story| {
            let mut got = claimed(240, 3000, Vec::new());
            if let Outcome::Claimed {
                now,
                fence,
                deadline,
                ..
            } = got
            {
                got = Outcome::Renewed {
                    now,
                    fence,
                    deadline,
                };
            }
            story.add(241, renew(U, 3000), got);
        },
    ),
    ("a delete's answer is lost, and it was done", |story| {
        story
            .add(100, delete(None, &[first(3).0]), Outcome::Lost)
            .who = 1;
        story.at(120).got = counted(0, 1, Some((first(2).0, first(2).0)));
        story.at(140).got = Outcome::Nothing;
    }),
    ("a delete's answer is lost, and it was not done", |story| {
        story.add(115, delete(None, &[first(3).0]), Outcome::Lost);
    }),
    (
        "a pop's answer is lost for good, and what it took is counted no more",
        |story| {
            let pop = Call::Pop {
                limit: 1,
                token: None,
                wait: None,
            };
            story.add(100, pop, Outcome::Lost).who = 1;
            story.at(120).got = counted(0, 1, Some((first(2).0, first(2).0)));
            story.at(140).got = Outcome::Nothing;
        },
    ),
    (
        "a client dies in a delete, and it is done long after",
        |story| {
            story
                .add(280, delete(Some(U), &[id(DELAYED.0, 0)]), Outcome::Lost)
                .ended = Micros::MAX;
            story.audit.rests[0].messages.remove(0);
        },
    ),
    (
        "a post's answer is lost, and another post comes between it and its repeat",
        |story| {
            let lost = post(210, 1, None, Some("u"));
            story.add(210, lost.clone(), Outcome::Lost);
            story.add(
                212,
                post(212, 1, None, None),
                Outcome::Posted(vec![id(212, 0)]),
            );
            story.add(214, lost, Outcome::Posted(vec![id(210, 0)]));
            story
                .messages_at(240)
                .push(taken((id(210, 0), Body(0, 210, 0)), 1));
            story
                .messages_at(240)
                .push(taken((id(212, 0), Body(0, 212, 0)), 1));
            story
                .messages_at(270)
                .push(taken((id(210, 0), Body(0, 210, 0)), 1));
            story
                .messages_at(270)
                .push(taken((id(212, 0), Body(0, 212, 0)), 1));
            left(story, (id(210, 0), Body(0, 210, 0)));
            left(story, (id(212, 0), Body(0, 212, 0)));
        },
    ),
    (
        "a pop's answer is lost, and it is asked for again",
        |story| {
            let pop = Call::Pop {
                limit: 1,
                token: Some("p".to_owned()),
                wait: None,
            };
            let got = story.at(140).got.clone();
            story.at(140).call = pop.clone();
            story.at(140).got = Outcome::Lost;
            story.add(142, pop, got);
        },
    ),
    (
        "a message without grace expires at the deadline of its claim",
        |story| {
            story.add(
                300,
                post(300, 1, None, None),
                Outcome::Posted(vec![id(300, 0)]),
            );
            if let Call::Post { ttl, .. } = &mut story.at(300).call {
                *ttl = Some(50);
            }
            let mut message = taken((id(300, 0), Body(0, 300, 0)), 1);
            message.ttl = 110;
            let last = taken((id(LAST.0, 0), LAST.1), 1);
            story.add(
                310,
                claim(L, 100, 2),
                claimed(310, 100, vec![last, message]),
            );
            if let Call::Claim { grace, .. } = &mut story.at(310).call {
                *grace = 0;
            }
            // Its delay is not less than what is left to it.
            story.add(320, nack(L, id(300, 0), 90), refused("BADARG", "delay:"));
        },
    ),
];

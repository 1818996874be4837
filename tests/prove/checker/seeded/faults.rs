//! Ways of breaking the good history, one at a time.
//!
//! Guards that every kind of violation is caught by some seeded fault.

use super::super::Kind;
use super::story::*;
use crate::history::{Body, Call, Id, Outcome, Seen};

type Fault = (&'static str, Kind, fn(&mut Story));

/// Sets what a post, a claim or a renewal was answered.
fn now_and_fence(got: &mut Outcome) -> (&mut u64, &mut u64, &mut u64) {
    match got {
        Outcome::Claimed {
            now,
            fence,
            deadline,
            ..
        }
        | Outcome::Renewed {
            now,
            fence,
            deadline,
        } => (now, fence, deadline),
        other => panic!("{other:?} has no fence"),
    }
}

/// An operation that happened at another time, with all that its answer says.
fn moved(story: &mut Story, from: u64, to: u64) {
    let op = story.at(from);
    op.begun = op.begun + to * 1000 - from * 1000;
    op.ended = op.ended + to * 1000 - from * 1000;
    let (now, fence, deadline) = now_and_fence(&mut op.got);
    *now = *now + to - from;
    *fence = *fence + to * 1000 - from * 1000;
    *deadline = *deadline + to - from;
}

fn left(story: &mut Story, (id, body): (Id, Body)) {
    story.audit.rests[0].messages.push(Seen {
        id,
        claim: None,
        body,
    });
}

pub const FAULTS: &[Fault] = &[
    (
        "a claim takes what another's holds until its deadline",
        Kind::TwoLiveClaims,
        |story| {
            story
                .ops
                .retain(|op| !matches!(op.call, Call::Renew { .. }));
            moved(story, 80, 62);
        },
    ),
    (
        "a claim takes what a renewed one holds",
        Kind::TwoLiveClaims,
        |story| {
            let got = Outcome::Renewed {
                now: 0,
                fence: 0,
                deadline: 0,
            };
            story.add(65, renew(Y, 100), got);
            let made = *now_and_fence(&mut story.at(20).got).0;
            let values = now_and_fence(&mut story.at(65).got);
            (*values.0, *values.1, *values.2) = (made + 45, made * 1000 + 500, made + 145);
        },
    ),
    (
        "a claim takes what another has not given back",
        Kind::TwoLiveClaims,
        |story| {
            story.at(50).got = refused("CLAIMGONE", X);
        },
    ),
    (
        "a pop takes what a claim holds",
        Kind::TwoLiveClaims,
        |story| {
            story.messages_at(140).push(taken(first(2), 2));
            story
                .ops
                .retain(|op| !matches!(op.call, Call::Release { .. }));
        },
    ),
    (
        "a message comes back before its delay is over",
        Kind::EarlyReturn,
        |story| {
            story.at(50).call = nack(X, first(1).0, 40);
        },
    ),
    (
        "a deleted message is claimed",
        Kind::DeliveredAfterDelete,
        |story| {
            story.messages_at(240).insert(0, taken(first(0), 2));
        },
    ),
    (
        "a deleted message is left",
        Kind::DeliveredAfterDelete,
        |story| left(story, first(1)),
    ),
    (
        "a popped message is listed",
        Kind::DeliveredAfterDelete,
        |story| {
            let (id, body) = first(3);
            story.add(
                210,
                Call::List { limit: 5 },
                Outcome::Page(vec![Seen {
                    id,
                    claim: None,
                    body,
                }]),
            );
        },
    ),
    (
        "two deletes count one message",
        Kind::RemovedTwice,
        |story| {
            story.add(35, delete(Some(X), &[first(0).0]), Outcome::Done(1));
        },
    ),
    ("two pops have one message", Kind::RemovedTwice, |story| {
        story.add(
            145,
            Call::Pop {
                limit: 1,
                token: None,
                wait: None,
            },
            Outcome::Nothing,
        );
        let popped = story.at(140).got.clone();
        story.at(145).got = popped;
        if let Outcome::Popped { now, .. } = &mut story.at(145).got {
            *now += 5;
        }
    }),
    (
        "a delete without a claim takes what a claim holds",
        Kind::DeletedUnderAnother,
        |story| {
            story.at(40).got = Outcome::Done(1);
        },
    ),
    (
        "a delete under one claim takes what another holds",
        Kind::DeletedUnderAnother,
        |story| {
            story.at(105).got = Outcome::Done(1);
        },
    ),
    (
        "a delete is granted under a claim that lapsed",
        Kind::EndedWithoutHolding,
        |story| {
            story.add(75, delete(Some(Y), &[first(2).0]), Outcome::Done(1));
        },
    ),
    (
        "a nack is granted to a claim that never had the message",
        Kind::EndedWithoutHolding,
        |story| {
            story.add(70, nack(Z, first(3).0, 0), Outcome::Done(1));
        },
    ),
    ("a message is not there in the end", Kind::Lost, |story| {
        story.audit.rests[0].messages.pop();
    }),
    ("a dead letter does not arrive", Kind::Lost, |story| {
        story.ops.retain(|op| op.queue == 0);
    }),
    (
        "a claim brings what nobody posted",
        Kind::Invented,
        |story| {
            story
                .messages_at(240)
                .push(taken((id(239, 0), Body(7, 7, 7)), 1));
        },
    ),
    (
        "a message comes with another's body",
        Kind::Invented,
        |story| {
            story.messages_at(240)[0].body = first(3).1;
        },
    ),
    ("a letter arrives twice", Kind::Doubled, |story| {
        story.audit.rests[1].letters.push(LETTER.1);
    }),
    ("a repeated post is stored again", Kind::Doubled, |story| {
        let call = story.at(180).call.clone();
        story.add(185, call, Outcome::Posted(vec![id(185, 0)]));
        left(story, (id(185, 0), DELAYED.1));
    }),
    (
        "a message that nobody claimed dies",
        Kind::DiedEarly,
        |story| {
            story.audit.rests[0].messages.pop();
            story.audit.rests[1].letters.push(LAST.1);
        },
    ),
    (
        "a message is claimed more often than it may be",
        Kind::DiedEarly,
        |story| {
            story.messages_at(80)[0].claims = 3;
        },
    ),
    (
        "an expired message is claimed",
        Kind::ExpiredDelivered,
        |story| {
            if let Call::Post { ttl, .. } = &mut story.at(180).call {
                *ttl = Some(55);
            }
        },
    ),
    ("a message shows too short a life", Kind::Expiry, |story| {
        story.messages_at(240)[0].ttl = TTL - 1;
    }),
    ("a message expires under its claim", Kind::Expiry, |story| {
        story.messages_at(240)[0].ttl = 500;
    }),
    (
        "a delayed message comes too early",
        Kind::DelayedDelivered,
        |story| moved(story, 240, 210),
    ),
    ("a claim does not count", Kind::ClaimsCount, |story| {
        story.messages_at(80)[0].claims = 1;
    }),
    ("ids of one post fall", Kind::IdOrder, |story| {
        if let Outcome::Posted(ids) = &mut story.at(0).got {
            ids.reverse();
        }
    }),
    ("a later post has a smaller id", Kind::IdOrder, |story| {
        let before = (id(252, 7), Body(0, 251, 0));
        let after = (id(252, 1), Body(0, 254, 0));
        story.add(
            251,
            post(251, 1, None, None),
            Outcome::Posted(vec![before.0]),
        );
        story.add(
            254,
            post(254, 1, None, None),
            Outcome::Posted(vec![after.0]),
        );
        left(story, before);
        left(story, after);
    }),
    ("a reply is not oldest first", Kind::ReplyOrder, |story| {
        story.messages_at(10).reverse()
    }),
    (
        "more messages come than were asked for",
        Kind::ReplyOrder,
        |story| {
            story.messages_at(20).push(taken(first(3), 1));
        },
    ),
    ("a younger message is claimed first", Kind::Fifo, |story| {
        let younger = story.messages_at(20).remove(0);
        let older = std::mem::replace(&mut story.messages_at(10)[0], younger);
        story.messages_at(20).push(older);
    }),
    (
        "a claim finds nothing though something is free",
        Kind::PassedOver,
        |story| {
            story.add(95, claim(EMPTY, 100, 1), Outcome::Nothing);
        },
    ),
    (
        "what a lapsed claim held is not found",
        Kind::PassedOver,
        |story| {
            story.messages_at(80).clear();
            story.add(76, claim(EMPTY, 100, 1), Outcome::Nothing);
            let (call, got) = (
                story.at(80).call.clone(),
                claimed(80, 200, vec![taken(first(2), 2)]),
            );
            (story.at(80).call, story.at(80).got) = (call, got);
        },
    ),
    (
        "a delayed message is not found when it is due",
        Kind::PassedOver,
        |story| {
            story.add(235, claim(EMPTY, 100, 1), Outcome::Nothing);
        },
    ),
    ("a fence falls", Kind::Fence, |story| {
        *now_and_fence(&mut story.at(60).got).1 -= 50_000;
    }),
    ("two claims have one fence", Kind::Fence, |story| {
        let fence = *now_and_fence(&mut story.at(10).got).1;
        *now_and_fence(&mut story.at(20).got).1 = fence;
    }),
    ("a renewal gives another deadline", Kind::Lease, |story| {
        *now_and_fence(&mut story.at(90).got).2 += 7;
    }),
    (
        "a claim is renewed after its deadline",
        Kind::Lease,
        |story| {
            let made = *now_and_fence(&mut story.at(20).got).0;
            let (now, fence) = (made + 55, made * 1000 + 500);
            story.add(
                75,
                renew(Y, 100),
                Outcome::Renewed {
                    now,
                    fence,
                    deadline: now + 100,
                },
            );
        },
    ),
    (
        "a claim shows what it never took",
        Kind::ClaimShows,
        |story| {
            story
                .messages_at(270)
                .push(taken((id(LAST.0, 0), LAST.1), 1));
        },
    ),
    (
        "a claim does not show what it holds",
        Kind::ClaimShows,
        |story| story.messages_at(270).clear(),
    ),
    ("a live claim is said to be gone", Kind::Refusal, |story| {
        story.add(115, renew(V, 100), refused("CLAIMGONE", V));
    }),
    (
        "a free message is said to be claimed",
        Kind::Refusal,
        |story| {
            let (id, _) = first(3);
            story.add(115, delete(None, &[id]), refused("CLAIMED", id));
        },
    ),
    (
        "a held message is said to be unclaimed",
        Kind::Refusal,
        |story| {
            let (id, _) = first(2);
            story.add(115, delete(Some(V), &[id]), refused("NOTCLAIMED", id));
        },
    ),
    (
        "a claim's own message is said to be another's",
        Kind::Refusal,
        |story| {
            let (id, _) = first(1);
            story.add(70, delete(Some(Z), &[id]), refused("NOTYOURS", id));
        },
    ),
    (
        "a message that is there is said to be gone",
        Kind::Refusal,
        |story| {
            let (id, _) = first(3);
            story.add(70, nack(Z, id, 0), refused("MESSAGEGONE", id));
        },
    ),
    (
        "a delete counts nothing though the message is there",
        Kind::Refusal,
        |story| {
            story.at(110).got = Outcome::Done(0);
        },
    ),
    (
        "a release lets nothing go though it held something",
        Kind::Refusal,
        |story| {
            story.at(130).got = Outcome::Done(0);
        },
    ),
    ("a new token is said to be used", Kind::Refusal, |story| {
        story.at(180).got = refused("TOKENREUSED", "t");
        story
            .ops
            .retain(|op| !matches!(op.call, Call::Post { stem: 190, .. }));
    }),
    ("a queue is said to be gone", Kind::Refusal, |story| {
        story.add(115, Call::Stats, refused("QUEUEGONE", ""));
    }),
    ("a token is good for other content", Kind::Token, |story| {
        story.at(190).got = Outcome::Posted(vec![id(190, 0)]);
        left(story, (id(190, 0), Body(0, 190, 0)));
    }),
    ("stats count one too many", Kind::Stats, |story| {
        story.at(120).got = counted(2, 1, Some((first(2).0, first(3).0)));
    }),
    ("stats call a claimed message free", Kind::Stats, |story| {
        story.at(120).got = counted(2, 0, Some((first(2).0, first(3).0)));
    }),
    (
        "stats name a deleted message as the oldest",
        Kind::Stats,
        |story| {
            story.at(120).got = counted(1, 1, Some((first(0).0, first(3).0)));
        },
    ),
    ("stats pass over the newest message", Kind::Stats, |story| {
        story.at(120).got = counted(1, 1, Some((first(2).0, first(2).0)));
    }),
    (
        "a claim was made before it was asked for",
        Kind::Clock,
        |story| {
            *now_and_fence(&mut story.at(60).got).0 -= 20;
        },
    ),
];

//! Faults of what answers say: counts, orders, fences, refusals, stats.
//!
//! Guards, with `messages`, that every kind of violation is caught by some seeded fault.

use super::super::Kind;
use super::fault::{Fault, left, now_and_fence};
use super::story::*;
use crate::history::{Body, Call, Outcome};

pub const FAULTS: &[Fault] = &[
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

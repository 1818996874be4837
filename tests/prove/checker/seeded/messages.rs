//! Faults of what becomes of messages: two holders, returns, losses.
//!
//! Guards, with `answers`, that every kind of violation is caught by some seeded fault.

use super::super::Kind;
use super::fault::{Fault, left, moved, now_and_fence};
use super::story::*;
use crate::history::{Body, Call, Outcome, Seen};

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
];

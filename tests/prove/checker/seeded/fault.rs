//! What a seeded fault is, and how the good history is bent.
//!
//! Guards nothing by itself.

use super::super::Kind;
use super::story::Story;
use crate::history::{Body, Id, Outcome, Seen};

/// Its name, as what it is to be caught, and how it is put in.
pub type Fault = (&'static str, Kind, fn(&mut Story));

/// Sets what a post, a claim or a renewal was answered.
pub fn now_and_fence(got: &mut Outcome) -> (&mut u64, &mut u64, &mut u64) {
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
pub fn moved(story: &mut Story, from: u64, to: u64) {
    let op = story.at(from);
    op.begun = op.begun + to * 1000 - from * 1000;
    op.ended = op.ended + to * 1000 - from * 1000;
    let (now, fence, deadline) = now_and_fence(&mut op.got);
    *now = *now + to - from;
    *fence = *fence + to * 1000 - from * 1000;
    *deadline = *deadline + to - from;
}

pub fn left(story: &mut Story, (id, body): (Id, Body)) {
    story.audit.rests[0].messages.push(Seen {
        id,
        claim: None,
        body,
    });
}

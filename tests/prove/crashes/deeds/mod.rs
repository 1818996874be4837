//! What a client is in the middle of when it is killed: one operation each, and what has to be there before it.
//!
//! Guards what is atomic: of each it is said how many states others can see from its beginning to its end, and an
//! operation that is one step has two.

mod claims;
mod control;
mod letters;
mod posts;
mod queues;
mod subscriptions;

use std::future::Future;
use std::pin::Pin;

use marconi_redis::{Message, MessageId, Result};

use super::stage::{NOW, Stage};

type Done<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + 'a>>;
pub type Step = for<'a> fn(&'a Stage) -> Done<'a, ()>;
pub type Act = for<'a> fn(&'a Stage) -> Done<'a, String>;

/// What comes of it when another process does it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// What would have come of the first; and it answers the same.
    Same,
    /// What would have come of the first; the answer says that there was less to do.
    Quiet,
    /// The same; where the first was done, it is refused.
    Refused,
    /// Twice as much: it is done again only where it was not done.
    Double,
    /// What the first held lies there until its claims have lapsed. Then it is as with `Quiet`.
    Later,
    /// It isn't done again: some may have been done, and nobody can tell which.
    Never,
}

pub struct Deed {
    pub name: &'static str,
    /// How many states there are on the way, the first and the last included.
    pub states: usize,
    /// From which of these on it counts as done; the first is 0.
    pub done_at: usize,
    pub repeat: Repeat,
    pub before: Step,
    /// After how many replies the stage is changed by somebody else, and how.
    pub during: Option<(usize, Step)>,
    pub act: Act,
}

pub fn all() -> Vec<&'static Deed> {
    let families = [
        queues::DEEDS,
        subscriptions::DEEDS,
        posts::DEEDS,
        claims::DEEDS,
        letters::DEEDS,
        control::DEEDS,
    ];
    families.into_iter().flatten().collect()
}

pub fn named(name: &str) -> &'static Deed {
    let mut all = all().into_iter();
    all.find(|deed| deed.name == name)
        .expect("a deed of that name")
}

fn ids(ids: &[MessageId]) -> String {
    let ids: Vec<_> = ids.iter().map(MessageId::to_string).collect();
    ids.join(" ")
}

fn bodies(messages: &[Message]) -> String {
    let body = |message: &Message| format!("{} {:?}", message.id(), message.body::<String>());
    let bodies: Vec<_> = messages.iter().map(body).collect();
    bodies.join(" ")
}

/// The id of a message by its place, whatever has become of it.
fn posted(place: u64) -> Result<MessageId> {
    format!("{NOW}-{place}").parse()
}

async fn post(stage: &Stage, bodies: &[&str]) -> Result<Vec<MessageId>> {
    let messages: Result<Vec<_>> = bodies
        .iter()
        .map(|body| marconi_redis::NewMessage::new(*body))
        .collect();
    stage.work.post_many(messages?).await
}

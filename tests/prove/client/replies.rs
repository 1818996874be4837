//! The replies of scripts, by lua/manifest.json.
//!
//! Guards that a word that is no refusal of a script is never taken for one.

use super::envelope::body_in;
use super::resp::Reply;
use crate::history::{Call, Id, Outcome, Seen, Taken};

pub fn refusal(error: &str) -> Outcome {
    let mut words = error.split(' ');
    let word = words.next().unwrap_or_default().to_owned();
    let about = words.next().unwrap_or_default();
    if ["ERR", "MORE", "NOSCRIPT", "OOM", "WRONGTYPE"].contains(&&*word) {
        return Outcome::Failed(error.to_owned());
    }
    Outcome::Refused {
        word,
        about: about.to_owned(),
    }
}

pub fn outcome(call: &Call, reply: &Reply) -> Outcome {
    if let Reply::Number(count) = reply {
        return Outcome::Done(*count as u64);
    }
    let fields = reply.list();
    match call {
        Call::Post { .. } => Outcome::Posted(fields.iter().map(id).collect()),
        Call::Claim { .. } | Call::Pop { .. } if fields.is_empty() => Outcome::Nothing,
        Call::Claim { .. } => claimed(fields, 5),
        // claim_get answers the worker too.
        Call::Get { .. } => claimed(fields, 6),
        Call::Pop { .. } => Outcome::Popped {
            now: fields[0].number(),
            messages: taken(&fields[1..]),
        },
        Call::Renew { .. } => Outcome::Renewed {
            now: fields[0].number(),
            fence: fields[1].number(),
            deadline: fields[4].number(),
        },
        Call::Release { .. } | Call::Nack { .. } | Call::Delete { .. } => {
            Outcome::Done(fields[0].number())
        }
        Call::List { .. } => Outcome::Page(fields[3..].chunks(6).map(seen).collect()),
        Call::Stats => Outcome::Counted {
            free: fields[1].number(),
            claimed: fields[2].number(),
            delayed: fields[3].number(),
            total: fields[4].number(),
            dead: fields[5].number(),
            oldest: Id::parse(&fields[6].text()),
            newest: Id::parse(&fields[7].text()),
        },
    }
}

fn claimed(fields: &[Reply], head: usize) -> Outcome {
    Outcome::Claimed {
        now: fields[0].number(),
        fence: fields[1].number(),
        deadline: fields[4].number(),
        messages: taken(&fields[head..]),
    }
}

fn taken(fields: &[Reply]) -> Vec<Taken> {
    let message = |fields: &[Reply]| Taken {
        id: id(&fields[0]),
        claims: fields[1].number(),
        ttl: fields[2].number(),
        body: body_in(fields[3].bytes()),
    };
    fields.chunks(4).map(message).collect()
}

fn seen(fields: &[Reply]) -> Seen {
    Seen {
        id: id(&fields[0]),
        claim: Some(fields[4].text()).filter(|claim| !claim.is_empty()),
        body: body_in(fields[5].bytes()),
    }
}

fn id(reply: &Reply) -> Id {
    Id::parse(&reply.text()).expect("an id")
}

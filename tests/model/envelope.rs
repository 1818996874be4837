//! Envelopes, read here by themselves and not by the library.
//!
//! Guards the extras: exactly those that are expected, and none of another name.

use serde::Deserialize;

use crate::posting::bin;
use crate::queue::{Letter, Message};
use crate::reply::Id;

/// What only some messages have; all of a letter's past.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Extras {
    pub delay: Option<u64>,
    pub from: Vec<String>,
    pub id: Option<String>,
    pub claims: Option<u64>,
    pub died: Option<u64>,
    /// What it was posted with, before it died for the first time.
    pub ttl: Option<u64>,
    /// How often it set out again.
    pub redriven: Option<u64>,
}

struct Envelope<'a> {
    ttl: u64,
    client: &'a str,
    extras: Extras,
    body: &'a [u8],
}

fn read(mut bytes: &[u8]) -> Envelope<'_> {
    let length = rmp::decode::read_array_len(&mut bytes).expect("an array");
    assert!(length == 3 || length == 4, "{length} values in an envelope");
    let ttl = rmp::decode::read_int(&mut bytes).expect("a ttl");
    let (client, rest) = rmp::decode::read_str_from_slice(bytes).expect("a client");
    bytes = rest;
    let extras = match length {
        4 => rmp_serde::from_read(&mut bytes).expect("extras as they should be"),
        _ => Extras::default(),
    };
    let length = rmp::decode::read_bin_len(&mut bytes).expect("a body");
    assert_eq!(bytes.len(), length as usize, "bytes of the body");
    Envelope {
        ttl,
        client,
        extras,
        body: bytes,
    }
}

impl Letter {
    /// The id that it had where it died.
    pub fn old_id(&self) -> Id {
        let id = self.extras.id.as_deref().and_then(Id::parse);
        id.expect("the old id of a letter")
    }

    /// The letter as it sets out again: as the message was before it died, but for how often it did so.
    pub fn again(&self) -> Letter {
        Letter {
            ttl: self.extras.ttl.unwrap_or(self.ttl),
            client: self.client.clone(),
            extras: Extras {
                redriven: Some(self.extras.redriven.unwrap_or(0) + 1),
                ..Extras::default()
            },
            body: self.body.clone(),
        }
    }
}

/// A letter as the streams have it.
pub fn letter(envelope: &[u8]) -> Letter {
    let envelope = read(envelope);
    assert_eq!(envelope.extras.delay, None, "of a letter");
    Letter {
        ttl: envelope.ttl,
        client: envelope.client.into(),
        extras: envelope.extras,
        body: envelope.body.into(),
    }
}

/// Whether this is the envelope of that message.
pub fn check_envelope(envelope: &[u8], message: &Message) {
    let found = read(envelope);
    assert_eq!(found.ttl, message.ttl, "ttl of {}", message.id);
    assert_eq!(found.client, message.client, "client of {}", message.id);
    assert_eq!(found.body, message.body, "body of {}", message.id);
    let delay = found.extras.delay;
    assert_eq!(delay.unwrap_or(0), message.delay, "delay of {}", message.id);
    let past = Extras {
        delay: None,
        ..found.extras
    };
    assert_eq!(past, message.extras, "extras of {}", message.id);
}

/// A letter as somebody else may write it.
pub fn written(ttl: u64, client: &str, extras: &serde_json::Value, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x94];
    for part in [
        rmp_serde::to_vec(&ttl),
        rmp_serde::to_vec(client),
        rmp_serde::to_vec(extras),
    ] {
        bytes.extend(part.expect("what MessagePack can say"));
    }
    bytes.extend(bin(body));
    bytes
}

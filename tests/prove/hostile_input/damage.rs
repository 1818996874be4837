//! What a peer with the keys in its hands can do to them, one kind a function.
//!
//! Guards that the damage is really there: a kind says whether the server took it.

use marconi_redis::keys::Part;
use redis::{RedisResult, Value};

use super::bytes::{self, NUMBERS};
use super::rig::{LIVE, NEW, OTHER, Rig};
use super::values::OTHER_TYPES;
use crate::rng::Rng;

/// Does its damage, and answers whether it was done.
type Kind = fn(&mut Rig, &mut Rng) -> bool;

pub const KINDS: &[(&str, Kind)] = &[
    ("random bytes as an envelope", |rig, rng| {
        let envelope = bytes::random(rng, 60);
        envelope_becomes(rig, rng, envelope)
    }),
    ("an envelope that was changed", |rig, rng| {
        let good = rng.pick(bytes::ENVELOPES);
        let envelope = bytes::mutated(rng, good);
        envelope_becomes(rig, rng, envelope)
    }),
    ("an envelope that is cut", |rig, rng| {
        let good = rng.pick(bytes::ENVELOPES);
        let envelope = good[..rng.below(good.len())].to_vec();
        envelope_becomes(rig, rng, envelope)
    }),
    ("deep nesting", |rig, rng| {
        let envelope = bytes::nested(rng);
        envelope_becomes(rig, rng, envelope)
    }),
    ("huge lengths announced", |rig, rng| {
        let envelope = bytes::announced(rng);
        envelope_becomes(rig, rng, envelope)
    }),
    ("whole MessagePack that is no envelope", |rig, rng| {
        let envelope = bytes::misfit(rng);
        envelope_becomes(rig, rng, envelope)
    }),
    ("an entry of other fields", other_fields),
    ("an id of large parts", large_id),
    ("a last id of large parts", large_last_id),
    ("a record that is none", strange_record),
    ("an odd score", |rig, rng| scored(rig, rng, false)),
    ("a member that is none", |rig, rng| scored(rig, rng, true)),
    ("metadata that is none", |rig, rng| {
        let metadata = match rng.below(3) {
            0 => bytes::random(rng, 30),
            1 => bytes::nested(rng),
            _ => bytes::mutated(rng, b"\x82\xa1n\x01\xa1m\x93\x01\x02\x03"),
        };
        set(rig, Part::Meta, b"metadata", &metadata)
    }),
    ("a field of meta that is no number", |rig, rng| {
        let field = rng.pick(META_NUMBERS);
        let value = rng.pick(NUMBERS);
        set(rig, Part::Meta, field.as_bytes(), value.as_bytes())
    }),
    ("a strange field of meta", |rig, rng| {
        let field = rng.pick(&[
            "_dead_letter_queue",
            "_flavor",
            "schema",
            "",
            "metadata",
            "cursor",
        ]);
        let value = bytes::text(rng);
        set(rig, Part::Meta, field.as_bytes(), value.as_bytes())
    }),
    ("a count or a token that is none", counts),
    ("a record of the control plane that is none", control),
    ("a key of another type", other_type),
    ("a key that is gone", |rig, rng| {
        let part = any_part(rng);
        run(rig, &[b"UNLINK", rig.key(part).as_bytes()])
    }),
    ("an entry that is gone", |rig, rng| {
        let stream = rng.pick(&[&Part::Log, &Part::Log, &Part::Outbox, &Part::Dead]);
        let ids = ids_of(rig, *stream);
        let Some(id) = ids.get(rng.below(ids.len().max(1))) else {
            return false;
        };
        run(rig, &[b"XDEL", rig.key(*stream).as_bytes(), id.as_bytes()])
    }),
];

/// Fields of `meta` that scripts take for numbers or ids.
const META_NUMBERS: &[&str] = &[
    "base_ttl",
    "due",
    "cursor",
    "fence",
    "since",
    "returned",
    "reaped",
    "waiting_until",
    "tokens_since",
    "_default_message_ttl",
    "_default_message_delay",
    "_max_claim_count",
    "_dead_letter_queue_messages_ttl",
    "_max_messages_post_size",
];

const INDEXES: &[&Part] = &[
    &Part::Claims,
    &Part::Returned,
    &Part::Delayed,
    &Part::Expiry,
    &Part::SubscriptionIds,
    &Part::SubscriptionExpiry,
    &Part::FlavorNames,
    &Part::CatalogueNames,
];

fn run(rig: &mut Rig, words: &[&[u8]]) -> bool {
    let mut command = redis::cmd(std::str::from_utf8(words[0]).unwrap_or("PING"));
    command.arg(&words[1..]);
    let reply: RedisResult<Value> = command.query(&mut rig.connection);
    reply.is_ok()
}

fn set(rig: &mut Rig, part: Part, field: &[u8], value: &[u8]) -> bool {
    run(rig, &[b"HSET", rig.key(part).as_bytes(), field, value])
}

fn any_part(rng: &mut Rng) -> Part {
    let all = if rng.percent(70) {
        Part::ALL
    } else {
        Part::CONTROL
    };
    all[rng.below(all.len())]
}

type Entry = (String, Vec<Vec<u8>>);

fn entries_of(rig: &mut Rig, stream: Part) -> Vec<Entry> {
    let mut range = redis::cmd("XRANGE");
    range.arg(rig.key(stream)).arg("-").arg("+");
    range.query(&mut rig.connection).unwrap_or_default()
}

fn ids_of(rig: &mut Rig, stream: Part) -> Vec<String> {
    let entries = entries_of(rig, stream);
    entries.into_iter().map(|(id, _)| id).collect()
}

/// An entry of a stream has other fields from now on, or there is one more, at its end.
fn entry_becomes(rig: &mut Rig, rng: &mut Rng, stream: Part, fields: &[&[u8]]) -> bool {
    let key = rig.key(stream);
    let mut entries = entries_of(rig, stream);
    if entries.is_empty() || rng.percent(15) {
        return run(rig, &[&[b"XADD", key.as_bytes(), b"*"], fields].concat());
    }
    let at = rng.below(entries.len());
    entries[at].1 = fields.iter().map(|field| field.to_vec()).collect();
    if !run(rig, &[b"UNLINK", key.as_bytes()]) {
        return false;
    }
    entries.iter().all(|(id, fields)| {
        let fields: Vec<&[u8]> = fields.iter().map(|field| &**field).collect();
        run(
            rig,
            &[&[b"XADD", key.as_bytes(), id.as_bytes()], &*fields].concat(),
        )
    })
}

fn a_stream(rng: &mut Rng) -> Part {
    *rng.pick(&[
        &Part::Log,
        &Part::Log,
        &Part::Log,
        &Part::Outbox,
        &Part::Dead,
    ])
}

fn envelope_becomes(rig: &mut Rig, rng: &mut Rng, envelope: Vec<u8>) -> bool {
    let stream = a_stream(rng);
    let to: &[u8] = rng.pick(&[b"p/dead".as_slice(), b"p/q"]);
    match stream {
        Part::Outbox => entry_becomes(rig, rng, stream, &[b"to", to, b"m", &envelope]),
        _ => entry_becomes(rig, rng, stream, &[b"m", &envelope]),
    }
}

fn other_fields(rig: &mut Rig, rng: &mut Rng) -> bool {
    let stream = a_stream(rng);
    let value = match rng.below(3) {
        0 => bytes::text(rng).into_bytes(),
        1 => bytes::envelope(rng),
        _ => rng.pick(bytes::ENVELOPES).to_vec(),
    };
    let fields: &[&[u8]] = match rng.below(6) {
        0 => &[b"", &value],
        1 => &[b"x", &value, b"m", b"\x93\xcd\x03\xe8\xa2me\xc4\x01\x2a"],
        2 => &[b"m", b"", b"m", &value],
        3 => &[b"to", &value, b"m", &value],
        4 => &[b"to", b"p/../q{x}", b"m", &value],
        _ => &[b"M", &value],
    };
    entry_becomes(rig, rng, stream, fields)
}

const LARGE_IDS: &[&str] = &[
    "18446744073709551615-18446744073709551615",
    "18446744073709551615-0",
    "9007199254740993-0",
    "9007199254741000-9007199254740993",
    "999999999999999-9999999999999999",
    "1000000000000000-0",
    "1700000000000-18446744073709551615",
    "1700000000000-9007199254740993",
    "1700003800000-10000000000000000",
];

fn large_id(rig: &mut Rig, rng: &mut Rng) -> bool {
    let (stream, id) = (a_stream(rng), rng.pick(LARGE_IDS));
    let envelope = rng.pick(bytes::ENVELOPES);
    let key = rig.key(stream);
    let head: &[&[u8]] = &[b"XADD", key.as_bytes(), id.as_bytes()];
    match stream {
        Part::Outbox => run(rig, &[head, &[b"to", b"p/dead", b"m", envelope]].concat()),
        _ => run(rig, &[head, &[b"m", envelope]].concat()),
    }
}

fn large_last_id(rig: &mut Rig, rng: &mut Rng) -> bool {
    let (stream, id) = (a_stream(rng), rng.pick(LARGE_IDS));
    run(rig, &[b"XSETID", rig.key(stream).as_bytes(), id.as_bytes()])
}

fn a_field_of_held(rig: &Rig, rng: &mut Rng) -> String {
    match rng.below(6) {
        0 => LIVE.to_owned(),
        1 | 2 => OTHER.to_owned(),
        3 => NEW.to_owned(),
        _ => an_id(rig, rng),
    }
}

fn an_id(rig: &Rig, rng: &mut Rng) -> String {
    let ids: Vec<&String> = rig.ids.values().collect();
    match ids.is_empty() || rng.percent(15) {
        true => rng.pick(super::values::NO_IDS).to_owned(),
        false => ids[rng.below(ids.len())].clone(),
    }
}

/// Of a claim, or of what holds a message.
fn strange_record(rig: &mut Rig, rng: &mut Rng) -> bool {
    let field = a_field_of_held(rig, rng);
    let good = format!(
        "1700000000000000 3600000 0 1700003600000 {} worker",
        an_id(rig, rng)
    );
    let record = match rng.below(7) {
        0 => bytes::random(rng, 40),
        1 => bytes::text(rng).into_bytes(),
        2 => OTHER.as_bytes().to_vec(),
        3 => [LIVE, "+", "+"].concat().into_bytes(),
        4 => format!("1 1 1 1 {},{},x, ", an_id(rig, rng), an_id(rig, rng)).into_bytes(),
        5 => good.into_bytes(),
        _ => bytes::mutated(rng, good.as_bytes()),
    };
    set(rig, Part::Held, field.as_bytes(), &record)
}

const SCORES: &[&str] = &[
    "inf",
    "-inf",
    "-1",
    "-0",
    "0",
    "0.5",
    "1.5",
    "1e300",
    "-1e300",
    "9007199254740993",
    "1700000000000.5",
    "1700000000001",
    "1e-300",
    "1700003700000",
    "18446744073709551616",
];

/// A member with an odd score: one that is there, or an odd one.
fn scored(rig: &mut Rig, rng: &mut Rng, is_odd: bool) -> bool {
    let part = *rng.pick(INDEXES);
    let key = rig.key(part);
    let range = redis::cmd("ZRANGE")
        .arg(&key)
        .arg("0")
        .arg("-1")
        .query(&mut rig.connection);
    let members: Vec<Vec<u8>> = range.unwrap_or_default();
    let member = match is_odd || members.is_empty() {
        true if rng.percent(50) => bytes::text(rng).into_bytes(),
        true => an_id(rig, rng).into_bytes(),
        false => members[rng.below(members.len())].clone(),
    };
    let score = rng.pick(SCORES);
    run(rig, &[b"ZADD", key.as_bytes(), score.as_bytes(), &member])
}

fn counts(rig: &mut Rig, rng: &mut Rng) -> bool {
    let number = rng.pick(NUMBERS).as_bytes().to_vec();
    let text = bytes::text(rng).into_bytes();
    match rng.below(5) {
        0 | 1 => {
            let id = an_id(rig, rng);
            set(rig, Part::Tries, id.as_bytes(), &number)
        }
        2 => {
            let token: &[u8] = rng.pick(&[
                b"one more token".as_slice(),
                b"a token of its own",
                b"a new token",
            ]);
            let kept = match rng.below(4) {
                0 => text,
                1 => b"post digest 1-1 999999999999".to_vec(),
                2 => b"pop 1-1 nan".to_vec(),
                _ => bytes::mutated(rng, b"post digest 1700000000000-0 1"),
            };
            set(
                rig,
                *rng.pick(&[&Part::Tokens, &Part::TokensBefore]),
                token,
                &kept,
            )
        }
        3 => set(rig, Part::Taken, b"p/elsewhere", &text),
        _ => {
            let field = rng.pick(&["fence", "log", "schema", "last", "x"]);
            set(rig, Part::Floor, field.as_bytes(), &text)
        }
    }
}

/// Of pools, flavors, the catalogue, or a subscription.
fn control(rig: &mut Rig, rng: &mut Rng) -> bool {
    let value = match rng.below(4) {
        0 => bytes::text(rng).into_bytes(),
        1 => bytes::envelope(rng),
        2 => rng.pick(NUMBERS).as_bytes().to_vec(),
        _ => bytes::mutated(rng, b"\x94\x03\xa4plain\xa4gold\x80"),
    };
    let subscription = rig.ids.get("subscription").cloned().unwrap_or("1-1".into());
    let fields: &[(Part, &str)] = &[
        (Part::Pools, "plain"),
        (Part::Pools, "fast"),
        (Part::Pools, "faster"),
        (Part::PoolQueues, "plain"),
        (Part::Flavors, "p/gold"),
        (Part::Catalogue, "p/mapped"),
        (Part::TopicCatalogue, "p/mapped"),
        (Part::State, "schema"),
        (Part::Subscribers, super::control::SUBSCRIBER),
        (Part::Subscriptions, &subscription),
        (Part::Subscriptions, &subscription),
        (Part::Subscriptions, "schema"),
        (Part::Subscriptions, "last"),
    ];
    let (part, field) = fields[rng.below(fields.len())];
    set(rig, part, field.as_bytes(), &value)
}

fn other_type(rig: &mut Rig, rng: &mut Rng) -> bool {
    let key = rig.key(any_part(rng));
    let (_, make) = OTHER_TYPES[rng.below(OTHER_TYPES.len())];
    let make: Vec<&[u8]> = make
        .iter()
        .map(|word| {
            if *word == "KEY" {
                key.as_bytes()
            } else {
                word.as_bytes()
            }
        })
        .collect();
    run(rig, &[b"UNLINK", key.as_bytes()]) && run(rig, &make)
}

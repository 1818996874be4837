//! Names, ids, envelopes, metadata and URLs: what is read without a server.
//!
//! Guards what is let in: what is taken comes back as it went in, what is not is refused with a text, and no text of an
//! error ever has a password in it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use marconi_redis::envelope::{Envelope, decode_body, wrap_body};
use marconi_redis::keys::{Part, Prefix, ProjectName, QueueKeys, QueueName, QueuePath};
use marconi_redis::{ClaimId, Error, MessageId, Metadata, NewMessage, Store, SubscriptionId};

use super::bytes::{self, NUMBERS};
use super::case::{Area, Ledger, Wanted};
use super::library::ill_said;
use super::values::{NO_IDS, NO_UUIDS};
use crate::rng::Rng;

/// What was made of it: taken, or refused; or what is wrong.
type Judged = Result<Result<(), Error>, String>;

/// Makes a text, and says what it came to.
type Kind = fn(&mut Rng) -> (String, Judged);

/// Kinds of text, and what reads each.
pub const KINDS: &[(&str, Kind)] = &[
    ("names", |rng| {
        let (project, name) = (bytes::text(rng), bytes::text(rng));
        (format!("{project:?} {name:?}"), names(&project, &name))
    }),
    ("tags", |rng| {
        let tag = format!("{}/{}", bytes::text(rng), bytes::text(rng));
        let judged = match QueuePath::from_tag(&tag) {
            Ok(path) if path.tag() != tag => Err(format!("the tag {:?}", path.tag())),
            taken => Ok(taken.map(drop)),
        };
        (tag, judged)
    }),
    ("keys", |rng| {
        let key = format!(
            "mq:{{{}/{}}}:{}",
            bytes::text(rng),
            bytes::text(rng),
            rng.pick(&["log", "meta", "x", ""])
        );
        let judged = match QueueKeys::parse(&Prefix::default(), &key) {
            Some((path, part)) => {
                let again = QueueKeys::new(&Prefix::default(), path).key(part);
                same(&again, &key).map(Ok)
            }
            None => Ok(Err(refusal())),
        };
        (key, judged)
    }),
    ("message ids", |rng| {
        let text = an_id(rng);
        let judged = read_back::<MessageId>(&text).and_then(|id| {
            let subscription = read_back::<SubscriptionId>(&text)?;
            match subscription.is_ok() == id.is_ok() {
                true => Ok(id),
                false => Err("taken as one kind of id, and refused as the other".to_owned()),
            }
        });
        (text, judged)
    }),
    ("claim ids", |rng| {
        let text = match rng.below(3) {
            0 => rng.pick(NO_UUIDS).to_owned(),
            1 => bytes::text(rng),
            _ => text_of(bytes::mutated(rng, b"11111111-1111-4111-8111-11111111111A")),
        };
        let judged = match text.parse::<ClaimId>() {
            Ok(id) if !id.to_string().eq_ignore_ascii_case(&text) => Err(format!("the id {id}")),
            taken => Ok(taken.map(drop)),
        };
        (text, judged)
    }),
    ("envelopes", |rng| {
        let bytes = bytes::envelope(rng);
        (format!("{bytes:x?}"), envelope(&bytes))
    }),
    ("metadata", |rng| {
        let bytes = match rng.below(3) {
            0 => bytes::envelope(rng),
            1 => bytes::random(rng, 30),
            _ => bytes::mutated(
                rng,
                b"\x83\xa1n\x01\xa1m\x93\x01\x02\x03\xb0_max_claim_count\x05",
            ),
        };
        (format!("{bytes:x?}"), metadata(&bytes))
    }),
    ("bodies", |rng| {
        let bytes = match rng.percent(50) {
            true => bytes::envelope(rng),
            false => bytes::mutated(rng, b"\x93\x01\xa5hello\x81\xa1k\xc0"),
        };
        (format!("{bytes:x?}"), body(&bytes))
    }),
    ("urls", |rng| {
        let url = url(rng);
        let judged = opened(&url);
        (url, judged)
    }),
];

pub fn run(wanted: &Wanted) -> Ledger {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let _in_it = runtime.enter();
    let mut ledger = Ledger::default();
    for number in wanted.numbers(Area::Text) {
        let mut rng = wanted.rng(Area::Text, number);
        let (name, kind) = KINDS[rng.below(KINDS.len())];
        ledger.try_one();
        match catch_unwind(AssertUnwindSafe(|| kind(&mut rng))) {
            Ok((text, Err(what))) => {
                ledger.meet(Area::Text, name, "reading", false);
                ledger.violation(Area::Text, number, &what, &format!("{name}: {text:?}"));
            }
            Ok((text, Ok(Err(error)))) => {
                ledger.meet(Area::Text, name, "reading", false);
                if let Some(what) = ill_said(&error) {
                    ledger.violation(
                        Area::Text,
                        number,
                        &what,
                        &format!("{name}: {text:?}: {error:?}"),
                    );
                }
            }
            Ok((_, Ok(Ok(())))) => ledger.meet(Area::Text, name, "reading", true),
            Err(_) => ledger.violation(Area::Text, number, "a panic", name),
        }
    }
    ledger
}

/// In place of an error, where none comes with a refusal.
fn refusal() -> Error {
    "".parse::<MessageId>().expect_err("no id")
}

fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

fn same(one: &str, other: &str) -> Result<(), String> {
    if one == other {
        Ok(())
    } else {
        Err(format!("it came back as {one:?}"))
    }
}

/// What is taken for a `T` has to show as it was written.
fn read_back<T: std::str::FromStr<Err = Error> + std::fmt::Display>(text: &str) -> Judged {
    match text.parse::<T>() {
        Ok(taken) => same(&taken.to_string(), text).map(Ok),
        Err(error) => Ok(Err(error)),
    }
}

fn names(project: &str, name: &str) -> Judged {
    let is_bad = |text: &str| text.len() > 256 || text.chars().any(char::is_control);
    let legal = !is_bad(project) && !is_bad(name) && !name.is_empty();
    let path = match QueuePath::new(project, name) {
        Ok(_) if !legal => return Err("a name that is none was taken".to_owned()),
        Err(_) if legal => return Err("a good name was refused".to_owned()),
        Err(error) => return Ok(Err(error)),
        Ok(path) => path,
    };
    let named = (path.project().as_str(), path.name().as_str());
    if named != (project, name)
        || ProjectName::new(project).is_err()
        || QueueName::new(name).is_err()
    {
        return Err(format!("the names {named:?}"));
    }
    if QueuePath::from_tag(&path.tag()).ok().as_ref() != Some(&path) {
        return Err("its tag is another queue's".to_owned());
    }
    let keys = QueueKeys::new(&Prefix::default(), path.clone());
    for part in Part::ALL {
        let key = keys.key(*part);
        // The first pair of braces decides where a key of a cluster is.
        let tag = key
            .split_once('{')
            .and_then(|(_, rest)| rest.split_once('}'));
        if tag.map(|(tag, _)| tag) != Some(&path.tag()) {
            return Err(format!("{key:?} has another hash tag"));
        }
        if QueueKeys::parse(&Prefix::default(), &key) != Some((path.clone(), *part)) {
            return Err(format!("{key:?} is not read as what it is"));
        }
    }
    Ok(Ok(()))
}

fn an_id(rng: &mut Rng) -> String {
    match rng.below(5) {
        0 => rng.pick(NO_IDS).to_owned(),
        1 => bytes::text(rng),
        2 => format!("{}-{}", rng.pick(NUMBERS), rng.pick(NUMBERS)),
        3 => format!(
            "{}-{}",
            rng.next() >> rng.below(64),
            rng.next() >> rng.below(64)
        ),
        _ => text_of(bytes::mutated(rng, b"1700000000000-12")),
    }
}

fn envelope(bytes: &[u8]) -> Judged {
    let envelope = match Envelope::decode(bytes) {
        Ok(envelope) => envelope,
        Err(error) => return Ok(Err(error)),
    };
    let announced = bytes.first().copied().unwrap_or(0);
    if !bytes.ends_with(envelope.body) || !matches!(announced, 0x93 | 0x94 | 0xdc | 0xdd) {
        return Err(format!("read as {envelope:?}"));
    }
    // Whatever the body is, to read it ends.
    _ = decode_body::<serde_json::Value>(envelope.body);
    _ = decode_body::<Vec<String>>(envelope.body);
    Ok(Ok(()))
}

fn metadata(bytes: &[u8]) -> Judged {
    let metadata = match Metadata::from_msgpack(bytes) {
        Ok(metadata) => metadata,
        Err(error) => return Ok(Err(error)),
    };
    let written = metadata.to_msgpack();
    match Metadata::from_msgpack(&written) {
        Ok(again) if again == metadata => {}
        other => {
            return Err(format!(
                "written and read again it is {other:?}, not {metadata:?}"
            ));
        }
    }
    for name in metadata.names() {
        _ = metadata.get::<serde_json::Value>(&name);
    }
    _ = (
        metadata.max_claim_count(),
        metadata.default_message_ttl(),
        metadata.dead_letter_queue().map(str::len),
    );
    Ok(Ok(()))
}

fn body(bytes: &[u8]) -> Judged {
    let wrapped = match wrap_body(bytes) {
        Ok(wrapped) => wrapped,
        Err(error) => {
            return match NewMessage::from_msgpack(bytes) {
                Ok(_) => Err("refused by one, taken by the other".to_owned()),
                Err(_) => Ok(Err(error)),
            };
        }
    };
    if !wrapped.ends_with(bytes) {
        return Err("another body".to_owned());
    }
    match NewMessage::from_msgpack(bytes) {
        Ok(_) => Ok(Ok(())),
        Err(error) => Err(format!("taken by one, refused by the other: {error}")),
    }
}

/// What must not show.
const SECRETS: &[&str] = &["hunter2", "s3cr3t%21", "p%40ss-w0rd", "пароль"];

fn url(rng: &mut Rng) -> String {
    let secret = rng.pick(SECRETS);
    let scheme = rng.pick(&[
        "redis://",
        "rediss://",
        "unix://",
        "valkey://",
        "redis+unix://",
        "redis:",
        "http://",
        "",
        "REDIS://",
    ]);
    let odd = bytes::text(rng);
    let login = match rng.below(6) {
        0 => format!(":{secret}@"),
        1 => format!("{odd}:{secret}@"),
        2 => format!("{secret}@"),
        3 => format!("user:{secret}{odd}@"),
        4 => format!("user:{odd}{secret}@@"),
        _ => format!("user:{secret}@"),
    };
    let host = rng.pick(&[
        "127.0.0.1",
        "a,b:1,[::1]:3",
        "[::1",
        "",
        "host:99999",
        "host:x",
        "a b",
        "[fe80::1%25eth0]",
        "é",
        "/tmp/s",
        ",",
    ]);
    let rest = match rng.below(8) {
        0 => "/0".to_owned(),
        1 => format!("/{odd}"),
        2 => format!("?password={secret}"),
        3 => format!("/?cluster={odd}"),
        4 => format!("?master={odd}&db=x"),
        5 => format!("/1?cluster=true&pass={secret}"),
        6 => format!("#{odd}"),
        _ => String::new(),
    };
    // The URL of a unix socket has a path, and no login in it.
    let login = if scheme.contains("unix") {
        String::new()
    } else {
        login
    };
    format!("{scheme}{login}{host}{rest}")
}

fn opened(url: &str) -> Judged {
    let wakes = Store::builder().wake_url(url).map(drop);
    let opened = Store::builder().open(url);
    let mut shown = Vec::new();
    for error in [wakes.err(), opened.as_ref().err().cloned()]
        .into_iter()
        .flatten()
    {
        shown.extend([error.to_string(), format!("{error:?}")]);
    }
    if let Ok(store) = &opened {
        shown.push(format!("{store:?}"));
    }
    let plain = |secret: &str| secret.replace("%21", "!").replace("%40", "@");
    for text in shown {
        if SECRETS
            .iter()
            .any(|secret| text.contains(secret) || text.contains(&plain(secret)))
        {
            return Err(format!("a password shows: {text}"));
        }
    }
    Ok(opened.map(drop))
}

//! Bodies in and out of envelopes, by docs/contract.md.
//!
//! Guards nothing by itself: bytes that are not as the contract says are no body of ours.

use crate::history::Body;

/// A string in msgpack, in a msgpack bin: what a post takes.
pub fn wrapped(text: &str) -> Vec<u8> {
    let mut value = vec![0xd9, text.len() as u8];
    value.extend_from_slice(text.as_bytes());
    let mut bin = vec![0xc4, value.len() as u8];
    bin.extend_from_slice(&value);
    bin
}

/// Of `[ttl, client, body]` or `[ttl, client, extras, body]` the body, which is the last element.
pub fn body_in(envelope: &[u8]) -> Body {
    let read = || {
        let (head, mut rest) = envelope.split_first()?;
        for _ in 1..(head & 0x0f) {
            rest = skipped(rest)?;
        }
        let value = rest.strip_prefix(&[0xc4])?.get(1..)?;
        let text = match value {
            [0xd9, _, text @ ..] => text,
            [fix, text @ ..] if fix & 0xe0 == 0xa0 => text,
            _ => return None,
        };
        std::str::from_utf8(text).ok()
    };
    read().map_or(Body::FOREIGN, Body::parse)
}

/// What comes after the first msgpack value.
fn skipped(from: &[u8]) -> Option<&[u8]> {
    let (&kind, rest) = from.split_first()?;
    let number = |bytes: usize| -> Option<usize> {
        let digits = rest.get(..bytes)?.iter();
        Some(digits.fold(0, |sum, &digit| sum << 8 | usize::from(digit)))
    };
    let (bytes, values) = match kind {
        0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => (0, 0),
        0x80..=0x8f => (0, 2 * usize::from(kind & 0x0f)),
        0x90..=0x9f => (0, usize::from(kind & 0x0f)),
        0xa0..=0xbf => (usize::from(kind & 0x1f), 0),
        0xc4 | 0xd9 => (1 + number(1)?, 0),
        0xc5 | 0xda => (2 + number(2)?, 0),
        0xcc | 0xd0 => (1, 0),
        0xcd | 0xd1 => (2, 0),
        0xca | 0xce | 0xd2 => (4, 0),
        0xcb | 0xcf | 0xd3 => (8, 0),
        0xdc => (2, number(2)?),
        _ => return None,
    };
    (0..values).try_fold(rest.get(bytes..)?, |rest, _| skipped(rest))
}

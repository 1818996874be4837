//! Bytes and texts that nobody should have written.
//!
//! Guards nothing; it is here to be unpleasant in many ways, and in the same ways for the same seed.

use crate::rng::Rng;

/// Envelopes and letters of every shape that this project writes.
pub const ENVELOPES: &[&[u8]] = &[
    b"\x93\xcd\x03\xe8\xa2me\xc4\x01\x2a",
    b"\x93\xcf\x00\x00\x00\x49\x6d\x4b\xa8\x00\xa0\xc4\x06\xa5hello",
    b"\x94\xcd\x03\xe8\xa2me\x81\xa5delay\x05\xc4\x01\x2a",
    b"\x94\xcd\x03\xe8\xa2me\x81\xa4from\x91\xa3p/q\xc4\x01\x2a",
    b"\x94\xcd\x03\xe8\xa2me\x85\xa4from\x92\xa3p/q\xa3p/r\xa2id\xa35-0\xa6claims\x02\xa4died\xcd\x27\x10\xa3ttl\xcd\x03\xe8\xc4\x01\x2a",
    b"\x94\xcd\x03\xe8\xa0\x82\xa4from\x91\xa3p/q\xa8redriven\x01\xc4\x03\x92\x01\x02",
];

/// Numbers, and texts that some program reads as one.
pub const NUMBERS: &[&str] = &[
    "",
    "x",
    "-1",
    "-0",
    "+1",
    " 1",
    "1 ",
    "1\n",
    "1.0",
    "1.5",
    "1e3",
    "1e309",
    "0x10",
    "nan",
    "-nan",
    "inf",
    "-inf",
    "Infinity",
    "9007199254740991",
    "9007199254740992",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999",
    "١",
    "1\0",
    "\0",
    "0",
    "1",
    "7",
];

/// Texts with something odd in them.
const PIECES: &[&str] = &[
    "a",
    "orders",
    "/",
    "//",
    "{",
    "}",
    "{x}",
    "%",
    "%2F",
    "%25",
    "..",
    ".",
    " ",
    "\0",
    "\n",
    "\r\n",
    "\x1b[2J",
    "\x7f",
    "\u{85}",
    "\u{202e}",
    "\u{feff}",
    "é",
    "e\u{301}",
    "日本",
    "😀",
    "'",
    "\"",
    "\\",
    "*",
    "?",
    "[",
    "]",
    ":",
    "-",
    "0",
    "1-1",
    "nan",
    ",",
    "$",
    "\u{10ffff}",
    "KEYS[1]",
    "log",
    "meta",
    "mq",
];

pub fn text(rng: &mut Rng) -> String {
    match rng.below(12) {
        0 => String::new(),
        1 => "a".repeat(rng.between(250, 260) as usize),
        2 => "é".repeat(rng.between(125, 130) as usize),
        3 => rng.pick(NUMBERS).to_owned(),
        _ => (0..rng.between(1, 5)).map(|_| rng.pick(PIECES)).collect(),
    }
}

pub fn random(rng: &mut Rng, most: u64) -> Vec<u8> {
    (0..rng.between(0, most))
        .map(|_| rng.next() as u8)
        .collect()
}

/// Good bytes with something done to them, once to four times.
pub fn mutated(rng: &mut Rng, good: &[u8]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..rng.between(1, 4) {
        let at = rng.below(bytes.len() + 1);
        match rng.below(7) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, rng.next() as u8),
            2 if at < bytes.len() => {
                bytes.remove(at);
            }
            3 if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
            4 if at < bytes.len() => {
                bytes[at] = *rng.pick(&[&0xc0, &0xc1, &0xdd, &0xdf, &0xc6, &0xff, &0x00, &0xcb])
            }
            5 => {
                let end = rng.between(at as u64, bytes.len() as u64) as usize;
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let tail = random(rng, 12);
                bytes.splice(at..at, tail);
            }
        }
    }
    bytes
}

/// So many arrays or maps within each other; some of it within an envelope.
pub fn nested(rng: &mut Rng) -> Vec<u8> {
    let depth = [10, 100, 1_000, 20_000][rng.below(4)];
    let (open, close): (&[u8], &[u8]) = match rng.below(3) {
        0 => (b"\x91", b"\xc0"),
        1 => (b"\x81\xa1k", b"\x01"),
        _ => (b"\xdd\x00\x00\x00\x01", b""),
    };
    let mut bytes = match rng.below(3) {
        0 => b"\x94\xcd\x03\xe8\xa2me\x81\xa1x".to_vec(),
        1 => b"\x93".to_vec(),
        _ => Vec::new(),
    };
    bytes.extend(open.repeat(depth));
    bytes.extend(close);
    if rng.percent(50) {
        bytes.extend(b"\xc4\x01\x2a");
    }
    bytes
}

/// Announces far more than there is, at one place of an envelope.
pub fn announced(rng: &mut Rng) -> Vec<u8> {
    let heads: &[&[u8]] = &[
        b"\xc6\xff\xff\xff\xff",
        b"\xc6\x7f\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xdf\x7f\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x01",
        b"\xdc\xff\xff",
        b"\xde\xff\xff",
        b"\xda\xff\xff",
    ];
    let before: &[&[u8]] = &[
        b"",
        b"\x93\xcd\x03\xe8",
        b"\x93\xcd\x03\xe8\xa2me",
        b"\x94\xcd\x03\xe8\xa2me",
        b"\x94\xcd\x03\xe8\xa2me\x81\xa4from",
    ];
    [rng.pick(before), rng.pick(heads), b"\xa1x\xc4\x01\x2a"].concat()
}

/// Whole MessagePack, though with something other than an envelope has in some place.
pub fn misfit(rng: &mut Rng) -> Vec<u8> {
    let values: &[&[u8]] = &[
        b"\xc0",
        b"\xc3",
        b"\x00",
        b"\xff",
        b"\xa0",
        b"\xa11",
        b"\x90",
        b"\x80",
        b"\xc4\x00",
        b"\xc4\x01\x2a",
        b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
        b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00",
        b"\xcb\xc3\xe0\x00\x00\x00\x00\x00\x00",
        b"\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00",
        b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
        b"\xd4\x01\x00",
        b"\xcd\x03\xe8",
        b"\xa2me",
        b"\x81\xa4from\x01",
        b"\x81\xa4from\x81\x01\x02",
        b"\x81\xa4from\x92\xc0\xc3",
        b"\x81\xa5delay\xa1x",
        b"\x81\xa3ttl\x80",
        b"\x81\x01\x02",
        b"\x81\xa8redriven\x90",
        b"\x81\xa2id\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
    ];
    let many = rng.between(2, 5) as usize;
    let mut bytes = vec![0x90 | many as u8];
    for at in 0..many {
        let usual: [&[u8]; 2] = [b"\xcd\x03\xe8", b"\xa2me"];
        match usual.get(at) {
            Some(usual) if rng.percent(60) => bytes.extend(*usual),
            _ => bytes.extend(rng.pick(values)),
        }
    }
    bytes
}

/// One of all these.
pub fn envelope(rng: &mut Rng) -> Vec<u8> {
    match rng.below(6) {
        0 => random(rng, 40),
        1 => nested(rng),
        2 => announced(rng),
        3 => misfit(rng),
        _ => {
            let good = rng.pick(ENVELOPES);
            mutated(rng, good)
        }
    }
}

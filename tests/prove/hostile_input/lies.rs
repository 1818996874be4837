//! What a false server says instead of a good reply, one kind a function.
//!
//! Guards the judgement: each kind says what a client may make of it.

use super::bytes::{self, NUMBERS};
use super::resp::Reply;
use crate::rng::Rng;

/// What a client may make of a lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum May {
    /// Only what it would have made of the good reply.
    BeTheSame,
    /// Never a success.
    OnlyFail,
    /// Anything that is an answer.
    Differ,
}

/// How it goes over the wire.
pub struct Lie {
    /// In these pieces.
    pub pieces: Vec<Vec<u8>>,
    /// The connection ends after it.
    pub then_close: bool,
    pub may: May,
}

impl Lie {
    fn whole(bytes: Vec<u8>, may: May) -> Self {
        Lie {
            pieces: vec![bytes],
            then_close: false,
            may,
        }
    }
}

type Kind = fn(&mut Rng, Reply) -> Lie;

pub const KINDS: &[(&str, Kind)] = &[
    ("a reply in single bytes", |_, good| Lie {
        pieces: good.bytes().into_iter().map(|byte| vec![byte]).collect(),
        then_close: false,
        may: May::BeTheSame,
    }),
    ("a reply in two pieces", |rng, good| {
        let bytes = good.bytes();
        let (head, tail) = bytes.split_at(rng.below(bytes.len() + 1));
        Lie {
            pieces: vec![head.to_vec(), tail.to_vec()],
            then_close: false,
            may: May::BeTheSame,
        }
    }),
    ("pushes before the reply", |rng, good| {
        let pushes: &[&[u8]] = &[
            b">2\r\n+invalidate\r\n_\r\n",
            b">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n",
            b">3\r\n+smessage\r\n:1\r\n,nan\r\n",
            b">1\r\n+nobody-knows-it\r\n",
        ];
        Lie::whole([rng.pick(pushes), &*good.bytes()].concat(), May::BeTheSame)
    }),
    ("null", |rng, _| {
        let nulls: &[&[u8]] = &[b"_\r\n", b"$-1\r\n", b"*-1\r\n"];
        Lie::whole(rng.pick(nulls).to_vec(), May::OnlyFail)
    }),
    ("another type", |rng, _| {
        Lie::whole(other_type(rng), May::OnlyFail)
    }),
    ("another type within", |rng, good| {
        within(rng, good, |rng, node| *node = Reply::Raw(other_type(rng)))
    }),
    ("null within", |rng, good| {
        within(rng, good, |_, node| *node = Reply::Line(b'_', Vec::new()))
    }),
    ("a number out of its bounds", |rng, good| {
        within(rng, good, |rng, node| {
            let number = rng.pick(NUMBERS).as_bytes().to_vec();
            *node = match rng.below(3) {
                0 => Reply::Bulk(b'$', number),
                1 => Reply::Line(b':', i64::MIN.to_string().into_bytes()),
                _ => Reply::Line(
                    b':',
                    [-1, i64::MAX, 1 << 53, 0][rng.below(4)]
                        .to_string()
                        .into_bytes(),
                ),
            };
        })
    }),
    ("other bytes within", |rng, good| {
        within(rng, good, |rng, node| {
            let bytes = match node {
                Reply::Bulk(_, text) if rng.percent(60) => bytes::mutated(rng, text),
                _ => bytes::envelope(rng),
            };
            *node = Reply::Bulk(b'$', bytes);
        })
    }),
    ("an element more or fewer", |rng, mut good| {
        if let Reply::Many(_, replies) = &mut good {
            let at = rng.below(replies.len() + 1);
            match rng.percent(50) {
                true if at < replies.len() => {
                    replies.remove(at);
                }
                _ => replies.insert(at, Reply::Bulk(b'$', bytes::text(rng).into_bytes())),
            }
        }
        Lie::whole(good.bytes(), May::Differ)
    }),
    ("a length that is wrong", |rng, good| {
        let mut bytes = good.bytes();
        let lengths: &[&[u8]] = &[
            b"-2",
            b"0",
            b"1",
            b"7",
            b"1000",
            b"99999999999999999999",
            b"9223372036854775807",
            b"4294967296",
            b"x",
            b"",
            b"+1",
            b"1.5",
            b"536870912",
        ];
        let end = bytes
            .windows(2)
            .position(|pair| pair == b"\r\n")
            .unwrap_or(1);
        bytes.splice(1..end, rng.pick(lengths).to_vec());
        Lie::whole(bytes, May::Differ)
    }),
    ("a reply that is cut", |rng, good| {
        let mut bytes = good.bytes();
        bytes.truncate(rng.below(bytes.len()));
        Lie {
            pieces: vec![bytes],
            then_close: rng.percent(70),
            may: May::OnlyFail,
        }
    }),
    ("replies within each other", |rng, _| {
        let depth = [50, 99, 101, 1_000, 20_000, 200_000][rng.below(6)];
        let open: &[&[u8]] = &[
            b"*1\r\n",
            b"~1\r\n",
            b"%1\r\n+k\r\n",
            b"|1\r\n+k\r\n",
            b">1\r\n",
        ];
        let mut bytes = rng.pick(open).repeat(depth);
        bytes.extend(b":1\r\n");
        Lie::whole(bytes, May::OnlyFail)
    }),
    ("a reply of megabytes", |rng, _| {
        let bytes = match rng.below(3) {
            0 => Reply::Bulk(b'$', vec![b'x'; 3_000_000]).bytes(),
            1 => Reply::Many(b'*', vec![Reply::Line(b':', b"1".to_vec()); 200_000]).bytes(),
            _ => Reply::Line(b'+', vec![b'x'; 1_000_000]).bytes(),
        };
        Lie::whole(bytes, May::Differ)
    }),
    ("an error of a strange word", |rng, _| {
        let error = strange_error(rng);
        // To some this is what "no such subscription" is to a caller.
        let gone = b"SUBSCRIPTIONGONE";
        let may = match error.windows(gone.len()).any(|word| word == gone) {
            true => May::Differ,
            false => May::OnlyFail,
        };
        Lie::whole(error, may)
    }),
    ("bytes that are no protocol", |rng, _| {
        let mut bytes = bytes::random(rng, 60);
        bytes.insert(0, *rng.pick(&[&b'x', &b'\0', &0xff, &b'\r', &b'H', &b'<']));
        Lie {
            pieces: vec![bytes],
            then_close: true,
            may: May::OnlyFail,
        }
    }),
    ("a reply too many", |rng, good| {
        let bytes = [good.bytes(), other_type(rng)].concat();
        Lie::whole(bytes, May::Differ)
    }),
];

fn other_type(rng: &mut Rng) -> Vec<u8> {
    let replies: &[&[u8]] = &[
        b",1.5\r\n",
        b",nan\r\n",
        b",-inf\r\n",
        b"#t\r\n",
        b"#f\r\n",
        b"(3492890328409238509324850943850943825024385\r\n",
        b"(-1\r\n",
        b"(x\r\n",
        b"=5\r\ntxt:x\r\n",
        b"=1\r\nx\r\n",
        b"%1\r\n+k\r\n:1\r\n",
        b"%0\r\n",
        b"~2\r\n:1\r\n:1\r\n",
        b"!5\r\nWOE x\r\n",
        b"-\r\n",
        b"+x y\r\n",
        b"$1\r\nx\r\n",
        b">1\r\n+x\r\n:-1\r\n",
    ];
    rng.pick(replies).to_vec()
}

/// Something is done to one reply that another consists of.
fn within(rng: &mut Rng, mut good: Reply, change: fn(&mut Rng, &mut Reply)) -> Lie {
    let before = good.clone();
    let at = rng.below(good.nodes());
    if let Some(node) = good.node(at) {
        change(rng, node);
    }
    let may = if good == before {
        May::BeTheSame
    } else {
        May::Differ
    };
    Lie::whole(good.bytes(), may)
}

fn strange_error(rng: &mut Rng) -> Vec<u8> {
    let words: &[&str] = &[
        "",
        " ",
        "MORE",
        "MORE sweep",
        "MOVED 1 127.0.0.1:1",
        "MOVED x y",
        "MOVED",
        "ASK 1 :0",
        "ASK",
        "NOSCRIPT x",
        "READONLY x",
        "LOADING x",
        "TRYAGAIN",
        "CLUSTERDOWN",
        "BUSY x",
        "OOM x",
        "NOAUTH x",
        "WRONGPASS x",
        "NOPERM x",
        "BADARG",
        "BADARG x",
        "BADARG :",
        "CLAIMED",
        "CLAIMED 1-1",
        "NOTYOURS \x1b[2J",
        "MESSAGEGONE x",
        "CLAIMGONE",
        "TOKENREUSED",
        "TOOLARGE",
        "NEWERSCHEMA",
        "QUEUEGONE",
        "POOLGONE",
        "NOTMAPPED",
        "SUBSCRIPTIONGONE",
        "CLAIMGONE\t\x07",
        "ERR Error running script (call to f_1): @user_script:1: ",
        "ERR Error running script @user_script:",
        "@user_script:",
        "@user_script: x",
        "ERR unknown command 'HELLO', with args beginning with: 'AUTH' 'secret'",
        "claimed",
        "ОШИБКА",
        "É",
    ];
    let mut text = rng.pick(words).as_bytes().to_vec();
    match rng.below(6) {
        0 => text.extend(vec![b'y'; 100_000]),
        1 => text.extend(b"\xff\xfe"),
        _ => {}
    }
    let kind = if rng.percent(25) { b'!' } else { b'-' };
    match kind {
        b'!' => Reply::Bulk(kind, text).bytes(),
        _ => Reply::Line(kind, text).bytes(),
    }
}

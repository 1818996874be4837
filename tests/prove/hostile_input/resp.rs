//! Replies as trees: read from the wire, changed, written again, lies included.
//!
//! Guards that a change is what it says: everything else of the reply is byte for byte what a server sent.

#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// One line: `+`, `-`, `:`, `_`, `,`, `#`, `(`.
    Line(u8, Vec<u8>),
    /// A length and so many bytes: `$`, `!`, `=`.
    Bulk(u8, Vec<u8>),
    /// A count and so many replies, twice as many in a map: `*`, `~`, `>`, `%`, `|`.
    Many(u8, Vec<Reply>),
    /// Whatever it is.
    Raw(Vec<u8>),
}

impl Reply {
    /// The reply that some bytes begin with, and how many it takes; `None` where it is not whole yet.
    pub fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
        let (kind, line) = (*bytes.first()?, &bytes[1..end]);
        let number = || std::str::from_utf8(line).ok()?.parse::<i64>().ok();
        let mut at = end + 2;
        match kind {
            b'$' | b'!' | b'=' | b'*' | b'~' | b'>' | b'%' | b'|' if line.starts_with(b"-") => {
                Some((Reply::Raw(bytes[..at].to_vec()), at))
            }
            b'$' | b'!' | b'=' => {
                let length = usize::try_from(number()?).ok()?;
                let text = bytes.get(at..at + length)?.to_vec();
                bytes.get(at + length + 1)?;
                Some((Reply::Bulk(kind, text), at + length + 2))
            }
            b'*' | b'~' | b'>' | b'%' | b'|' => {
                let times = if matches!(kind, b'%' | b'|') { 2 } else { 1 };
                let mut replies = Vec::new();
                for _ in 0..number()? * times {
                    let (reply, length) = Reply::read(&bytes[at..])?;
                    replies.push(reply);
                    at += length;
                }
                Some((Reply::Many(kind, replies), at))
            }
            _ => Some((Reply::Line(kind, line.to_vec()), at)),
        }
    }

    pub fn write(&self, to: &mut Vec<u8>) {
        match self {
            Reply::Line(kind, line) => {
                to.push(*kind);
                to.extend(line);
                to.extend(b"\r\n");
            }
            Reply::Bulk(kind, text) => {
                to.push(*kind);
                to.extend(format!("{}\r\n", text.len()).bytes());
                to.extend(text);
                to.extend(b"\r\n");
            }
            Reply::Many(kind, replies) => {
                let times = if matches!(kind, b'%' | b'|') { 2 } else { 1 };
                to.push(*kind);
                to.extend(format!("{}\r\n", replies.len() / times).bytes());
                replies.iter().for_each(|reply| reply.write(to));
            }
            Reply::Raw(bytes) => to.extend(bytes),
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        bytes
    }

    /// How many replies there are in it, itself included.
    pub fn nodes(&self) -> usize {
        match self {
            Reply::Many(_, replies) => 1 + replies.iter().map(Reply::nodes).sum::<usize>(),
            _ => 1,
        }
    }

    /// One of them, counted in the order of the wire.
    pub fn node(&mut self, at: usize) -> Option<&mut Reply> {
        if at == 0 {
            return Some(self);
        }
        let Reply::Many(_, replies) = self else {
            return None;
        };
        let mut left = at - 1;
        for reply in replies {
            let nodes = reply.nodes();
            if left < nodes {
                return reply.node(left);
            }
            left -= nodes;
        }
        None
    }

    /// What a request is: its words.
    pub fn words(&self) -> Vec<&[u8]> {
        match self {
            Reply::Many(_, words) => words
                .iter()
                .filter_map(|word| match word {
                    Reply::Bulk(_, text) => Some(&**text),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}

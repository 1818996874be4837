//! Which node of a cluster serves which hash slot.
//!
//! Guards that a slot nobody serves is seen as such, instead of being taken for a neighbour's.

use std::fmt;
use std::sync::Arc;

use crc::{CRC_16_XMODEM, Crc};
use redis::Value;

const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);

/// The slot of a key: of what stands in its first braces, where there is something, else of all of it.
pub(crate) fn slot_of(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        let length = rest.iter().position(|byte| *byte == b'}')?;
        (length > 0).then(|| &rest[..length])
    });
    CRC.checksum(tag.unwrap_or(key)) % 16384
}

/// A node's address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Node {
    pub(super) host: Arc<str>,
    pub(super) port: u16,
}

impl Node {
    pub(super) fn new(host: &str, port: u16) -> Self {
        Node {
            host: host.into(),
            port,
        }
    }

    /// As a redirection has it: `MOVED slot host:port`. `None` where the node doesn't know its own host.
    pub(in super::super) fn redirected(detail: &str) -> Option<Self> {
        let (host, port) = detail.split_whitespace().nth(1)?.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        (!host.is_empty() && host != "?").then_some(Node::new(host, port.parse().ok()?))
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// The primaries of a cluster, by the slots that they serve.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Map {
    /// First slot, last slot, who serves them; by first slot.
    ranges: Vec<(u16, u16, Node)>,
}

impl Map {
    /// What CLUSTER SLOTS answered; `None` where it can't be read. A node that doesn't know its own host
    /// is where it was asked.
    pub(super) fn read(answer: Value, asked: &str) -> Option<Self> {
        let Value::Array(rows) = answer else {
            return None;
        };
        let mut ranges = Vec::with_capacity(rows.len());
        for row in rows {
            let Value::Array(row) = row else { return None };
            let [
                Value::Int(first),
                Value::Int(last),
                Value::Array(primary),
                ..,
            ] = &row[..]
            else {
                return None;
            };
            let [host, Value::Int(port), ..] = &primary[..] else {
                return None;
            };
            let host = match host {
                Value::BulkString(host) => std::str::from_utf8(host).ok()?,
                Value::SimpleString(host) => host,
                Value::Nil => "",
                _ => return None,
            };
            let host = match host {
                "" => asked,
                // Not known by anybody: as if nobody served it.
                "?" => continue,
                host => host,
            };
            let node = Node::new(host, u16::try_from(*port).ok()?);
            ranges.push((
                u16::try_from(*first).ok()?,
                u16::try_from(*last).ok()?,
                node,
            ));
        }
        ranges.sort_unstable();
        Some(Map { ranges })
    }

    pub(super) fn owner(&self, slot: u16) -> Option<&Node> {
        let after = self.ranges.partition_point(|(first, ..)| *first <= slot);
        let (_, last, node) = self.ranges.get(after.checked_sub(1)?)?;
        (slot <= *last).then_some(node)
    }

    /// Each primary once.
    pub(super) fn nodes(&self) -> Vec<Node> {
        let mut nodes: Vec<_> = self.ranges.iter().map(|(.., node)| node.clone()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_slot_that_the_server_gives_it() {
        // By CLUSTER KEYSLOT.
        for (key, slot) in [
            ("123456789", 12739),
            ("foo", 12182),
            ("{foo}bar", 12182),
            ("a{foo}{bar}", 12182),
            ("foo{}{bar}", 8363),
            ("{}foo", 9500),
            ("", 0),
        ] {
            assert_eq!(slot_of(key.as_bytes()), slot, "{key}");
        }
    }

    fn row(first: i64, last: i64, host: Value, port: i64) -> Value {
        let node = Value::Array(vec![
            host,
            Value::Int(port),
            Value::BulkString(b"id".into()),
        ]);
        Value::Array(vec![Value::Int(first), Value::Int(last), node])
    }

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().into())
    }

    #[test]
    fn a_slot_belongs_to_the_range_that_it_is_in() {
        let rows = vec![
            row(100, 200, text("b"), 2),
            row(0, 9, text("a"), 1),
            row(300, 300, Value::Nil, 3),
            row(400, 500, text("?"), 4),
            row(501, 16383, text("a"), 1),
        ];
        let map = Map::read(Value::Array(rows), "asked").unwrap();
        let owner = |slot| map.owner(slot).map(Node::to_string);
        for (slot, node) in [
            (0, "a:1"),
            (9, "a:1"),
            (100, "b:2"),
            (200, "b:2"),
            (300, "asked:3"),
            (16383, "a:1"),
        ] {
            assert_eq!(owner(slot).as_deref(), Some(node), "{slot}");
        }
        for slot in [10, 99, 201, 301, 400, 500] {
            assert_eq!(owner(slot), None, "{slot}");
        }
        assert_eq!(map.nodes().len(), 3);
        assert_eq!(Map::default().owner(0), None);
        for bad in [
            Value::Nil,
            Value::Array(vec![Value::Int(1)]),
            Value::Array(vec![row(0, 70_000, text("a"), 1)]),
        ] {
            assert_eq!(Map::read(bad, "asked"), None);
        }
    }

    #[test]
    fn a_redirection_names_a_node() {
        let node = |detail| Node::redirected(detail).map(|node| node.to_string());
        assert_eq!(
            node("3999 127.0.0.1:6381").as_deref(),
            Some("127.0.0.1:6381")
        );
        assert_eq!(node("3999 ::1:6381").as_deref(), Some("[::1]:6381"));
        for none in ["3999 :6381", "3999 ?:6381", "3999", "", "3999 a:b"] {
            assert_eq!(node(none), None, "{none}");
        }
    }
}

//! MessagePack values compared by what they mean.
//!
//! Guards that one value written in two ways is equal: a number in more bytes than it needs, a map
//! in another order.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Any MessagePack value.
#[derive(Debug, Clone)]
pub(super) enum Plain {
    Nil,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Plain>),
    Map(Vec<(Plain, Plain)>),
    /// Type and content.
    Ext(Box<Plain>),
}

impl PartialEq for Plain {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Plain::Nil, Plain::Nil) => true,
            (Plain::Bool(a), Plain::Bool(b)) => a == b,
            (Plain::Int(a), Plain::Int(b)) => a == b,
            (Plain::Float(a), Plain::Float(b)) => a == b,
            (Plain::Text(a), Plain::Text(b)) => a == b,
            (Plain::Bytes(a), Plain::Bytes(b)) => a == b,
            (Plain::List(a), Plain::List(b)) => a == b,
            (Plain::Ext(a), Plain::Ext(b)) => a == b,
            (Plain::Map(a), Plain::Map(b)) => {
                a.len() == b.len() && a.iter().all(|entry| b.contains(entry))
            }
            _ => false,
        }
    }
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reading)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Plain;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a MessagePack value")
    }

    fn visit_unit<E>(self) -> Result<Plain, E> {
        Ok(Plain::Nil)
    }

    fn visit_none<E>(self) -> Result<Plain, E> {
        Ok(Plain::Nil)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Plain, E> {
        Ok(Plain::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Plain, E> {
        Ok(Plain::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Plain, E> {
        Ok(Plain::Int(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Plain, E> {
        Ok(Plain::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Plain, E> {
        Ok(Plain::Text(value.to_owned()))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Plain, E> {
        Ok(Plain::Bytes(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Plain, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Plain::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Plain, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Plain::Map(map))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, ext: D) -> Result<Plain, D::Error> {
        Ok(Plain::Ext(Box::new(Plain::deserialize(ext)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Plain {
        rmp_serde::from_slice(bytes).unwrap()
    }

    #[test]
    fn values_are_equal_however_they_are_written() {
        assert_eq!(read(b"\x07"), read(b"\xcf\0\0\0\0\0\0\0\x07"));
        assert_eq!(read(b"\xa1x"), read(b"\xd9\x01x"));
        assert_eq!(read(b"\xca\x3f\xc0\0\0"), read(b"\xcb\x3f\xf8\0\0\0\0\0\0"));
        assert_eq!(
            read(b"\x82\xa1a\x01\xa1b\xc0"),
            read(b"\x82\xa1b\xc0\xa1a\x01")
        );
        assert_eq!(read(b"\xd4\x05x"), read(b"\xc7\x01\x05x"));
    }

    #[test]
    fn values_of_another_kind_differ() {
        let values: [&[u8]; 9] = [
            b"\x01",
            b"\xc3",
            b"\xc0",
            b"\xa11",
            b"\xc4\x011",
            b"\x91\x01",
            b"\x81\x01\x01",
            b"\xd4\x011",
            b"\xcb\x3f\xf0\0\0\0\0\0\0",
        ];
        for (i, a) in values.iter().enumerate() {
            for (j, b) in values.iter().enumerate() {
                assert_eq!(read(a) == read(b), i == j, "{a:?} {b:?}");
            }
        }
    }
}

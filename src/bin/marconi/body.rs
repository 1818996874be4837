//! Bodies between JSON, which people type, and MessagePack, which is stored.
//!
//! Guards that every stored body can be shown, whoever posted it: what JSON has no form for is
//! shown as an object with one key that begins with `$`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

/// A body as JSON. Posting takes the JSON as it is; there, `$` means nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Body(pub Value);

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shown).map(Body)
    }
}

struct Shown;

impl<'de> Visitor<'de> for Shown {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a MessagePack value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f32<E: serde::de::Error>(self, value: f32) -> Result<Value, E> {
        // 0.1f32 is 0.1 to whoever posted it, and 0.10000000149011612 as a double.
        self.visit_f64(value.to_string().parse().unwrap_or(f64::from(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(match serde_json::Number::from_f64(value) {
            Some(number) => number.into(),
            None => json!({"$float": value.to_string()}),
        })
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Value, E> {
        Ok(json!({"$binary": base64(value)}))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Body(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some((Body(key), Body(value))) = entries.next_entry()? {
            pairs.push((key, value));
        }
        Ok(object(pairs))
    }

    /// How rmp-serde hands over an ext: a number and bytes.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        let (kind, data) = <(i8, Bytes)>::deserialize(inner)?;
        Ok(json!({"$ext": [kind, base64(&data.0)]}))
    }
}

/// A JSON object where all keys are text and none comes twice, else `{"$map": [[key, value], …]}`.
fn object(pairs: Vec<(Value, Value)>) -> Value {
    let mut map = Map::with_capacity(pairs.len());
    for (key, value) in &pairs {
        let Value::String(key) = key else { break };
        map.insert(key.clone(), value.clone());
    }
    if map.len() == pairs.len() {
        return map.into();
    }
    let pairs: Vec<Value> = pairs.into_iter().map(|(k, v)| json!([k, v])).collect();
    json!({"$map": pairs})
}

struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Raw;
        impl Visitor<'_> for Raw {
            type Value = Bytes;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, value: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(value.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Raw)
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let index = bits >> (18 - 6 * digit) & 63;
            text.push(match digit <= chunk.len() {
                true => char::from(DIGITS[index as usize]),
                false => '=',
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(msgpack: &[u8]) -> String {
        let Body(value) = rmp_serde::from_slice(msgpack).unwrap();
        value.to_string()
    }

    #[test]
    fn json_comes_back_as_it_was_typed() {
        let typed = r#"{"b":[1,-2,0.5,null,true,18446744073709551615],"a":{"ü":"\u0000 "}}"#;
        let stored = rmp_serde::to_vec(&Body(serde_json::from_str(typed).unwrap())).unwrap();
        assert_eq!(shown(&stored), typed);
    }

    #[test]
    fn binary_is_shown_as_base64() {
        assert_eq!(
            shown(b"\xc4\x04\x00\xff\x10\x80"),
            r#"{"$binary":"AP8QgA=="}"#
        );
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn ext_is_shown_with_its_type() {
        assert_eq!(shown(b"\xd4\xff\x2a"), r#"{"$ext":[-1,"Kg=="]}"#);
        assert_eq!(shown(b"\x91\xc7\x03\x05foo"), r#"[{"$ext":[5,"Zm9v"]}]"#);
    }

    #[test]
    fn maps_with_other_keys_than_text_are_shown_as_pairs() {
        assert_eq!(shown(b"\x81\x01\xa1a"), r#"{"$map":[[1,"a"]]}"#);
        assert_eq!(
            shown(b"\x82\xa1k\x01\xa1k\x02"),
            r#"{"$map":[["k",1],["k",2]]}"#
        );
    }

    #[test]
    fn floats_that_json_lacks_are_shown_by_name() {
        assert_eq!(shown(b"\xca\x7f\x80\x00\x00"), r#"{"$float":"inf"}"#);
        assert_eq!(shown(b"\xca\x3d\xcc\xcc\xcd"), "0.1");
    }
}

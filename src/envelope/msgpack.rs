//! A reader of MessagePack that borrows and never trusts an announced length.
//!
//! Guards that reading costs no more than the bytes at hand: a value is passed over by counting,
//! not by descending, so depth costs nothing.

use std::borrow::Cow;

use rmp::Marker;
use rmp::decode::{
    Bytes, RmpRead, read_array_len, read_bin_len, read_int, read_map_len, read_str_len,
};

/// What is left to read. `None` from any method: not that, or cut short.
pub(super) struct Reader<'a>(Bytes<'a>);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Reader(Bytes::new(bytes))
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.0.remaining_slice().is_empty()
    }

    pub(super) fn array(&mut self) -> Option<u32> {
        read_array_len(&mut self.0).ok()
    }

    pub(super) fn map(&mut self) -> Option<u32> {
        read_map_len(&mut self.0).ok()
    }

    pub(super) fn uint(&mut self) -> Option<u64> {
        read_int(&mut self.0).ok()
    }

    /// A string; what is no UTF-8 in it is replaced.
    pub(super) fn text(&mut self) -> Option<Cow<'a, str>> {
        let length = read_str_len(&mut self.0).ok()?;
        self.take(length.into()).map(String::from_utf8_lossy)
    }

    pub(super) fn bin(&mut self) -> Option<&'a [u8]> {
        let length = read_bin_len(&mut self.0).ok()?;
        self.take(length.into())
    }

    /// Passes over one value, whatever it is.
    pub(super) fn skip(&mut self) -> Option<()> {
        // A u64 can't overflow: each of at most 2^40 bytes at hand adds less than 2^33.
        let mut values: u64 = 1;
        while values > 0 {
            let (bytes, inner) = self.head()?;
            self.take(bytes)?;
            values += inner;
            values -= 1;
        }
        Some(())
    }

    /// One value, whatever it is, in its bytes.
    pub(super) fn value(&mut self) -> Option<&'a [u8]> {
        let rest = self.0.remaining_slice();
        self.skip()?;
        rest.get(..rest.len() - self.0.remaining_slice().len())
    }

    /// Reads a value's head: how many bytes of its own follow, and how many values within it.
    fn head(&mut self) -> Option<(u64, u64)> {
        Some(match Marker::from_u8(self.0.read_u8().ok()?) {
            Marker::FixPos(_) | Marker::FixNeg(_) | Marker::Null | Marker::False | Marker::True => {
                (0, 0)
            }
            Marker::U8 | Marker::I8 => (1, 0),
            Marker::U16 | Marker::I16 => (2, 0),
            Marker::U32 | Marker::I32 | Marker::F32 => (4, 0),
            Marker::U64 | Marker::I64 | Marker::F64 => (8, 0),
            Marker::FixStr(length) => (length.into(), 0),
            Marker::Str8 | Marker::Bin8 => (self.length(1)?, 0),
            Marker::Str16 | Marker::Bin16 => (self.length(2)?, 0),
            Marker::Str32 | Marker::Bin32 => (self.length(4)?, 0),
            // One byte more than announced: the type.
            Marker::FixExt1 => (2, 0),
            Marker::FixExt2 => (3, 0),
            Marker::FixExt4 => (5, 0),
            Marker::FixExt8 => (9, 0),
            Marker::FixExt16 => (17, 0),
            Marker::Ext8 => (self.length(1)? + 1, 0),
            Marker::Ext16 => (self.length(2)? + 1, 0),
            Marker::Ext32 => (self.length(4)? + 1, 0),
            Marker::FixArray(length) => (0, length.into()),
            Marker::Array16 => (0, self.length(2)?),
            Marker::Array32 => (0, self.length(4)?),
            Marker::FixMap(length) => (0, u64::from(length) * 2),
            Marker::Map16 => (0, self.length(2)? * 2),
            Marker::Map32 => (0, self.length(4)? * 2),
            Marker::Reserved => return None,
        })
    }

    fn length(&mut self, bytes: u64) -> Option<u64> {
        Some(
            self.take(bytes)?
                .iter()
                .fold(0, |length, byte| length << 8 | u64::from(*byte)),
        )
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let rest = self.0.remaining_slice();
        let (taken, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = Bytes::new(rest);
        Some(taken)
    }
}

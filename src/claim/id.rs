//! The ids of claims.
//!
//! Guards that an id stays as it was written: the scripts compare the text, so another spelling of
//! the same UUID is another claim.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// A claim's id: a UUID, chosen by whoever claims.
///
/// ```
/// use marconi_redis::ClaimId;
///
/// let id: ClaimId = "8c9e3bd2-9f5d-4b6a-8f3e-2f0f5a2b9c11".parse()?;
/// assert_eq!(id.as_str(), "8c9e3bd2-9f5d-4b6a-8f3e-2f0f5a2b9c11");
/// assert_ne!(ClaimId::random(), ClaimId::random());
/// assert!("mine".parse::<ClaimId>().is_err());
/// # Ok::<(), marconi_redis::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClaimId([u8; 36]);

impl ClaimId {
    /// A random one (UUID version 4).
    pub fn random() -> Self {
        let mut text = [0; 36];
        uuid::Uuid::new_v4().hyphenated().encode_lower(&mut text);
        ClaimId(text)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        // It is ASCII since it was made.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for ClaimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ClaimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimId({self})")
    }
}

/// Takes a UUID in its usual form, in 36 characters of either case.
impl FromStr for ClaimId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_in_place = |(at, byte): (usize, &u8)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        };
        <[u8; 36]>::try_from(text.as_bytes())
            .ok()
            .filter(|bytes| bytes.iter().enumerate().all(is_in_place))
            .map(ClaimId)
            .ok_or_else(|| Error::invalid("claim", "wants a UUID of 36 characters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_usual_form_of_a_uuid_is_an_id() {
        let id = "8C9e3bd2-9f5d-4b6a-8f3e-2f0f5a2b9c11";
        assert_eq!(id.parse::<ClaimId>().unwrap().to_string(), id);
        let others = [
            "",
            "8c9e3bd29f5d4b6a8f3e2f0f5a2b9c11",
            "{8c9e3bd2-9f5d-4b6a-8f3e-2f0f5a2b9c11}",
            "8c9e3bd2-9f5d-4b6a-8f3e-2f0f5a2b9c1g",
            "8c9e3bd29-f5d-4b6a-8f3e-2f0f5a2b9c11",
            "8c9e3bd2-9f5d-4b6a-8f3e-2f0f5a2b9cé",
        ];
        for text in others {
            assert!(text.parse::<ClaimId>().is_err(), "{text:?}");
        }
    }
}

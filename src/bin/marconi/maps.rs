//! Maps of options and capabilities, between JSON, which people type, and what is stored.
//!
//! Guards that what is no JSON object is refused by the option's name, and not repeated: it may hold a
//! secret.

use anyhow::Result;
use marconi_redis::Metadata;
use serde_json::Value;

use crate::body::Body;
use crate::failure::Failure;

/// A JSON object as it was typed.
pub fn object(option: &str, text: &str) -> Result<Body> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Ok(Body(map.into())),
        // What the parser says of it has nothing of its content.
        _ => Err(Failure::bad_input(format!(
            "{option} is no JSON object; write it as '{{\"push_retries\": 3}}'"
        ))),
    }
}

/// The same, ready to be stored.
pub fn typed(option: &str, text: &str) -> Result<Metadata> {
    Ok(Metadata::from_map(&object(option, text)?)?)
}

/// What is stored, as JSON; null where that can't be read.
pub fn shown(map: &Metadata) -> Value {
    map.to_map::<Body>()
        .map_or(Value::Null, |Body(value)| value)
}

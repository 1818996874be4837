//! Maps of metadata, options and capabilities, between JSON, which people type, and what is stored.
//!
//! Guards that what is no JSON object is refused by the option's name, and not repeated: it may hold a
//! secret.

use anyhow::Result;
use marconi_redis::Metadata;
use serde_json::{Map, Value};

use crate::body::Body;
use crate::failure::Failure;

/// A JSON object as it was typed.
pub fn object(option: &str, text: &str) -> Result<Map<String, Value>> {
    // What the parser says is left out: it may repeat some of the text.
    serde_json::from_str(text).map_err(|_| {
        Failure::bad_input(format!(
            "{option} is no JSON object; write it as '{{\"name\": \"value\"}}'"
        ))
    })
}

/// The same, ready to be stored.
pub fn typed(option: &str, text: &str) -> Result<Metadata> {
    let object = object(option, text)?;
    Ok(Metadata::from_map(&Body(object.into()))?)
}

/// What is stored, as JSON; null where that can't be read.
pub fn shown(map: &Metadata) -> Value {
    map.to_map::<Body>()
        .map_or(Value::Null, |Body(value)| value)
}

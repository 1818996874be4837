//! Names of projects and queues.
//!
//! Guards that a name in hand is a legal one: every function that takes one can stop worrying.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};

const LONGEST: usize = 256;

/// A tenant's namespace: up to 256 bytes of UTF-8 without control characters; may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProjectName(Arc<str>);

/// A queue's name within its project: 1 to 256 bytes of UTF-8 without control characters.
///
/// Anything else is legal: dots, slashes, spaces and braces included.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueName(Arc<str>);

impl ProjectName {
    /// # Errors
    /// [`Error::InvalidArgument`] above 256 bytes and for control characters.
    pub fn new(name: &str) -> Result<Self> {
        if name.len() > LONGEST {
            return Err(Error::invalid("project", "wants up to 256 bytes"));
        }
        refuse_control_characters("project", name)?;
        Ok(ProjectName(name.into()))
    }

    /// The name as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl QueueName {
    /// # Errors
    /// [`Error::InvalidArgument`] for no byte, above 256 bytes, and for control characters.
    pub fn new(name: &str) -> Result<Self> {
        if name.is_empty() || name.len() > LONGEST {
            return Err(Error::invalid("queue", "wants 1 to 256 bytes"));
        }
        refuse_control_characters("queue", name)?;
        Ok(QueueName(name.into()))
    }

    /// The name as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn refuse_control_characters(argument: &'static str, name: &str) -> Result<()> {
    if name.chars().any(char::is_control) {
        return Err(Error::invalid(argument, "wants no control characters"));
    }
    Ok(())
}

macro_rules! is_a_name {
    ($($name:ident)*) => { $(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;

            fn from_str(name: &str) -> Result<Self> {
                Self::new(name)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = Error;

            fn try_from(name: &str) -> Result<Self> {
                Self::new(name)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(name: String) -> Result<Self> {
                Self::new(&name)
            }
        }
    )* };
}

is_a_name! { ProjectName QueueName }

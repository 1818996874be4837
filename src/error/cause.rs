//! The cause below an [`Error`](super::Error), as text that is fit for a log.
//!
//! Guards that nothing of what was sent shows: some servers quote the arguments of a command they
//! don't know, and those can be a password or the start of a body. So the text is kept, cleaned,
//! and the original error is not.

use std::fmt;

use redis::RedisError;

use super::printable;

/// What lies below a transport or codec error: opaque, to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    code: Option<String>,
    text: String,
}

impl Cause {
    /// The first word of the server's reply (`OOM`, `NOAUTH`, …), where it was one.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        Cause {
            code: None,
            text: text.into(),
        }
    }

    pub(crate) fn server(code: &str, detail: &str) -> Self {
        Cause {
            code: Some(code.to_owned()),
            text: format!("the server says {} {}", printable(code), clean(detail)),
        }
    }

    /// The same, and where it was.
    pub(crate) fn labelled(&self, label: &str) -> Self {
        Cause {
            code: self.code.clone(),
            text: format!("{}: {}", printable(label), self.text),
        }
    }

    pub(crate) fn redis(error: &RedisError) -> Self {
        match error.code() {
            Some(code) => Cause::server(code, error.detail().unwrap_or_default()),
            None => Cause::text(clean(&error.to_string())),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Cause {}

/// Cuts what a server quotes of the command, and makes what is left safe for a terminal.
fn clean(text: &str) -> String {
    let kept = match text.find("with args beginning with") {
        Some(quote) => &text[..quote],
        None => text,
    };
    printable(kept.trim_end_matches([' ', ',']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_a_server_quotes_are_cut() {
        let detail =
            "unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' 'secret'";
        let cause = Cause::server("ERR", detail);
        assert_eq!(
            cause.to_string(),
            "the server says ERR unknown command 'HELLO'"
        );
        assert!(!format!("{cause:?}").contains("secret"));
    }

    #[test]
    fn control_characters_never_reach_a_terminal() {
        assert_eq!(
            Cause::server("CLAIM\x1b[2J", "a").to_string(),
            "the server says CLAIM [2J a"
        );
        assert_eq!(
            Cause::server("ERR", "a\x1b[2Jb").to_string(),
            "the server says ERR a [2Jb"
        );
    }
}

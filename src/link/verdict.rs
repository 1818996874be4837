//! What an error of the server or of connecting means for the call.
//!
//! Guards the word *not done*: only what the server refuses before it runs anything, or a script
//! before its first write, is in the list.

use std::error::Error;
use std::io;
use std::sync::Arc;

use redis::{ErrorKind, RedisError};

/// What to do about a reply that is no refusal of a script's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not done: the server doesn't have the script.
    Load,
    /// Not done, and worth another try; `reconnect` where this server will not change its mind.
    Again { reconnect: bool },
    /// Not done: another node of the cluster serves the key, for good or for this once.
    Elsewhere { is_asked: bool },
    /// Not done, and no repetition will change that.
    Refused,
    /// Nobody can tell: an error from the middle of a script.
    Unknown,
}

pub(super) fn of_reply(word: &str) -> Verdict {
    match word {
        "NOSCRIPT" => Verdict::Load,
        "LOADING" | "TRYAGAIN" | "CLUSTERDOWN" | "MASTERDOWN" | "BUSY" | "NOREPLICAS" => {
            Verdict::Again { reconnect: false }
        }
        // After a failover the address may lead to the new primary, this connection never will.
        "READONLY" => Verdict::Again { reconnect: true },
        "MOVED" => Verdict::Elsewhere { is_asked: false },
        "ASK" => Verdict::Elsewhere { is_asked: true },
        "OOM" | "NOAUTH" | "WRONGPASS" | "NOPERM" | "MISCONF" | "CROSSSLOT" => Verdict::Refused,
        _ => Verdict::Unknown,
    }
}

/// Whether it is worth trying to connect again. Nothing was sent, so nothing was done.
pub(super) fn is_worth_dialling_again(error: &RedisError) -> bool {
    if let Some(word) = error.code() {
        return matches!(of_reply(word), Verdict::Again { .. });
    }
    match io_kind(error) {
        // A certificate that does not fit, a socket that is not ours to open.
        Some(
            io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::PermissionDenied,
        ) => false,
        Some(_) => true,
        // While the sentinels choose a new primary there is none.
        None => matches!(
            error.kind(),
            ErrorKind::Io | ErrorKind::MasterNameNotFoundBySentinel
        ),
    }
}

fn io_kind(error: &RedisError) -> Option<io::ErrorKind> {
    // redis hands out the Arc that it keeps the error in.
    let kept = error
        .source()?
        .downcast_ref::<Arc<dyn Error + Send + Sync>>()?;
    kept.downcast_ref::<io::Error>().map(io::Error::kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_away_is_dialled_again_and_one_that_is_not_trusted_is_not() {
        let cases = [
            (io::ErrorKind::ConnectionRefused, true),
            (io::ErrorKind::NotFound, true),
            (io::ErrorKind::TimedOut, true),
            (io::ErrorKind::InvalidData, false),
            (io::ErrorKind::PermissionDenied, false),
        ];
        for (kind, again) in cases {
            let error = RedisError::from(io::Error::from(kind));
            assert_eq!(is_worth_dialling_again(&error), again, "{kind}");
        }
        let refused = RedisError::from((ErrorKind::AuthenticationFailed, "no"));
        assert!(!is_worth_dialling_again(&refused));
    }

    #[test]
    fn only_what_is_refused_before_it_runs_is_not_done() {
        for word in ["ERR", "WRONGTYPE", "EXECABORT", "UNHEARDOF"] {
            assert_eq!(of_reply(word), Verdict::Unknown);
        }
        assert_eq!(of_reply("READONLY"), Verdict::Again { reconnect: true });
        assert_eq!(of_reply("LOADING"), Verdict::Again { reconnect: false });
        assert_eq!(of_reply("OOM"), Verdict::Refused);
    }
}

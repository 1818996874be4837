//! The error replies of scripts: `WORD detail`, read back into [`Error`].
//!
//! Guards that a refusal is known by its word alone, on every version of the server, and that what
//! is not one of our words is never taken for a refusal.

use redis::RedisError;

use super::{Error, printable};
use crate::keys::QueuePath;

/// An error that the server replied with, split into its first word and the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerReply {
    pub(crate) word: String,
    pub(crate) detail: String,
}

impl ServerReply {
    /// `None` where the error did not come from the server as a reply.
    pub(crate) fn of(error: &RedisError) -> Option<Self> {
        let word = error.code()?;
        let detail = error.detail().unwrap_or_default();
        Some(Self::unwrapped(word, detail))
    }

    /// Redis 6.2 wraps what `redis.call` raises: `ERR Error running script (call to f_…):
    /// @user_script:12: WORD …`, with a second `@user_script: 12: -` before some words; and what `redis.pcall`
    /// brings and a script hands on: `@user_script: 12: -WORD …` alone, the first piece of it as its word.
    fn unwrapped(word: &str, detail: &str) -> Self {
        let whole;
        let wrapped = match word {
            "ERR" if detail.starts_with("Error running script") => detail,
            "@user_script:" => {
                whole = format!("{word} {detail}");
                &whole
            }
            _ => "",
        };
        if let Some((_, inner)) = wrapped.rsplit_once("@user_script:")
            && let Some((line, message)) = inner.trim_start().split_once(": ")
            && line.bytes().all(|b| b.is_ascii_digit())
        {
            return Self::split(message.strip_prefix('-').unwrap_or(message));
        }
        ServerReply {
            word: word.to_owned(),
            detail: detail.to_owned(),
        }
    }

    fn split(message: &str) -> Self {
        let (word, detail) = message.split_once(' ').unwrap_or((message, ""));
        // Prose starts with a word too ("Wrong number of args …"); a code is upper case throughout.
        if word.len() > 1 && word.bytes().all(|b| b.is_ascii_uppercase()) {
            ServerReply {
                word: word.to_owned(),
                detail: detail.to_owned(),
            }
        } else {
            ServerReply {
                word: "ERR".to_owned(),
                detail: message.to_owned(),
            }
        }
    }

    /// The refusal that this is, of a script on this queue, or of one on the control plane; `None` for
    /// what a script's own code did not say.
    pub(crate) fn refusal(&self, queue: Option<&QueuePath>) -> Option<Error> {
        let detail = printable(&self.detail);
        match (self.word.as_str(), queue) {
            ("BADARG", _) => {
                let (argument, detail) = detail.split_once(": ").unwrap_or(("call", &detail));
                Some(Error::InvalidArgument {
                    queue: queue.cloned(),
                    argument: argument.to_owned().into(),
                    detail: detail.to_owned().into(),
                })
            }
            (_, None) => self.refusal_of_control(detail),
            (_, Some(queue)) => self.refusal_of_queue(queue.clone(), detail),
        }
    }

    fn refusal_of_control(&self, detail: String) -> Option<Error> {
        Some(match self.word.as_str() {
            "POOLGONE" => Error::PoolDoesNotExist { detail },
            "POOLEXISTS" => Error::PoolAlreadyExists { detail },
            "POOLINUSE" => Error::PoolInUse { detail },
            "FLAVORGONE" => Error::FlavorDoesNotExist { detail },
            "NOTMAPPED" => Error::QueueNotMapped { detail },
            "TOOLARGE" => Error::TooLarge {
                queue: None,
                detail,
            },
            "NEWERSCHEMA" => Error::NewerSchema {
                queue: None,
                detail,
            },
            _ => return None,
        })
    }

    fn refusal_of_queue(&self, queue: QueuePath, detail: String) -> Option<Error> {
        let id = || detail.split(' ').next().unwrap_or_default().to_owned();
        Some(match self.word.as_str() {
            "QUEUEGONE" => Error::QueueDoesNotExist { queue },
            "MESSAGEGONE" => Error::MessageDoesNotExist { queue, id: id() },
            "CLAIMGONE" => Error::ClaimDoesNotExist { queue, id: id() },
            "CLAIMED" => Error::MessageIsClaimed { queue, id: id() },
            "NOTCLAIMED" => Error::MessageNotClaimed { queue, id: id() },
            "NOTYOURS" => Error::MessageNotClaimedBy { queue, id: id() },
            "TOKENREUSED" => Error::TokenReused { queue, detail },
            "TOOLARGE" => Error::TooLarge {
                queue: Some(queue),
                detail,
            },
            "NEWERSCHEMA" => Error::NewerSchema {
                queue: Some(queue),
                detail,
            },
            "SUBSCRIPTIONGONE" => Error::SubscriptionDoesNotExist { queue, id: id() },
            "SUBSCRIPTIONEXISTS" => Error::SubscriptionAlreadyExists { queue, id: id() },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Outcome;

    fn reply(word: &str, detail: &str) -> ServerReply {
        ServerReply::unwrapped(word, detail)
    }

    fn orders() -> QueuePath {
        QueuePath::new("shop", "orders").unwrap()
    }

    #[test]
    fn what_a_script_refuses_becomes_the_error_of_that_word_with_its_id() {
        let words = [
            "QUEUEGONE",
            "MESSAGEGONE",
            "CLAIMGONE",
            "CLAIMED",
            "NOTCLAIMED",
            "NOTYOURS",
        ];
        for word in words
            .into_iter()
            .chain(["BADARG", "TOKENREUSED", "TOOLARGE", "NEWERSCHEMA"])
        {
            let error = reply(word, "1700-0 some more")
                .refusal(Some(&orders()))
                .unwrap();
            assert_eq!(error.word(), word);
            assert_eq!(error.outcome(), Outcome::NotDone);
            assert_eq!(error.queue(), Some(&orders()));
            assert!(
                error
                    .to_string()
                    .contains("queue \"orders\" of project \"shop\""),
                "{error}"
            );
        }
        assert_eq!(
            reply("NOTYOURS", "1700-0 of x")
                .refusal(Some(&orders()))
                .unwrap()
                .id(),
            Some("1700-0")
        );
    }

    #[test]
    fn a_bad_argument_is_named() {
        let Some(Error::InvalidArgument {
            argument, detail, ..
        }) = reply("BADARG", "ttl: wants 1 to 9 ms").refusal(Some(&orders()))
        else {
            panic!("not a bad argument")
        };
        assert_eq!((&*argument, &*detail), ("ttl", "wants 1 to 9 ms"));
    }

    #[test]
    fn words_that_redis_6_wraps_are_found() {
        let call = "Error running script (call to f_2bd5): ";
        let once = reply(
            "ERR",
            &format!("{call}@user_script:1: WRONGTYPE Operation against a key"),
        );
        assert_eq!(
            (&*once.word, &*once.detail),
            ("WRONGTYPE", "Operation against a key")
        );
        let twice = reply(
            "ERR",
            &format!("{call}@user_script:1: @user_script: 1: -OOM command not allowed"),
        );
        assert_eq!(
            (&*twice.word, &*twice.detail),
            ("OOM", "command not allowed")
        );
        let alone = reply("@user_script:", "200: -READONLY You can't write");
        assert_eq!(
            (&*alone.word, &*alone.detail),
            ("READONLY", "You can't write")
        );
        let prose = reply(
            "ERR",
            &format!("{call}@user_script:1: @user_script: 1: Wrong number of args"),
        );
        assert_eq!(
            (&*prose.word, &*prose.detail),
            ("ERR", "Wrong number of args")
        );
    }

    #[test]
    fn a_word_of_ours_quoted_in_the_middle_of_a_reply_is_no_refusal() {
        assert!(
            reply("ERR", "something about CLAIMED 1-0")
                .refusal(Some(&orders()))
                .is_none()
        );
    }
}

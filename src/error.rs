//! What can go wrong, one name for each cause.
//!
//! Guards that an error says which queue and which id it is about, whether the operation was done,
//! and what to do next, and that none ever shows a body, a password or a URL.

mod cause;
mod reply;

pub use cause::Cause;
pub(crate) use reply::ServerReply;

use std::borrow::Cow;

use crate::keys::QueuePath;

/// What the operations of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whether an operation that returned an error took effect all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It had no effect: repeating it is safe.
    NotDone,
    /// It took effect; only its answer could not be used.
    Done,
    /// It may have taken effect, or may not last: repeat it only where a repeat has the effect of one.
    Unknown,
}

/// Why an operation was refused or failed.
///
/// The refusals of the server carry the queue and the id they are about. All else is
/// [`Transport`](Error::Transport), [`Unconfirmed`](Error::Unconfirmed), [`Codec`](Error::Codec) or
/// [`Corrupt`](Error::Corrupt), each with its [`Outcome`].
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The queue has not been created, or was deleted.
    #[error("{queue} does not exist: create it, or post to it")]
    QueueDoesNotExist {
        /// The queue that was asked for.
        queue: QueuePath,
    },
    /// The topic has not been created, or was deleted.
    #[error("{} does not exist: create it, or post to it", Topic(topic))]
    TopicDoesNotExist {
        /// The topic that was asked for.
        topic: QueuePath,
    },
    /// The message was deleted, has expired, or never was.
    #[error("message {id} is not in {queue}: it was deleted, has expired, or never was")]
    MessageDoesNotExist {
        /// The queue that was asked.
        queue: QueuePath,
        /// The message's id, as given.
        id: String,
    },
    /// The claim ended: its deadline passed, it was released, or its last message is gone.
    #[error(
        "claim {id} is gone from {queue}: its messages may be with another worker by now, so drop what it held"
    )]
    ClaimDoesNotExist {
        /// The queue that was asked.
        queue: QueuePath,
        /// The claim's id, as given.
        id: String,
    },
    /// A live claim holds the message, and none was named.
    #[error("message {id} of {queue} is under a claim: name that claim, or wait until it ends")]
    MessageIsClaimed {
        /// The message's queue.
        queue: QueuePath,
        /// The message's id.
        id: String,
    },
    /// A claim was named, but nobody holds the message: the claim lapsed or gave it back.
    #[error(
        "message {id} of {queue} is not claimed by anybody: the claim lapsed or gave it back, so claim again"
    )]
    MessageNotClaimed {
        /// The message's queue.
        queue: QueuePath,
        /// The message's id.
        id: String,
    },
    /// Another live claim holds the message.
    #[error(
        "message {id} of {queue} is under another claim than the one named: leave it to that one"
    )]
    MessageNotClaimedBy {
        /// The message's queue.
        queue: QueuePath,
        /// The message's id.
        id: String,
    },
    /// An argument is of the wrong type or out of its bounds.
    #[error("{argument}: {detail}{}", At(queue.as_ref()))]
    InvalidArgument {
        /// The queue, where one was named by then.
        queue: Option<QueuePath>,
        /// Which argument.
        argument: Cow<'static, str>,
        /// What is wrong with it.
        detail: Cow<'static, str>,
    },
    /// A post or pop token was used before, with other content.
    #[error(
        "the token was used before in {queue} with other content: give each post a token of its own ({detail})"
    )]
    TokenReused {
        /// The queue that knows the token.
        queue: QueuePath,
        /// What the server says.
        detail: String,
    },
    /// A body, a post or a batch is over its bound.
    #[error("too large{}: {detail}", For(queue.as_ref()))]
    TooLarge {
        /// The queue that refused, where it was one.
        queue: Option<QueuePath>,
        /// What is too large, and the bound.
        detail: String,
    },
    /// A later version of this crate wrote the queue.
    #[error("{} written by a later version of this library: upgrade this one ({detail})", Was(queue.as_ref()))]
    NewerSchema {
        /// The queue that is too new; `None` for the control plane.
        queue: Option<QueuePath>,
        /// What the server says.
        detail: String,
    },
    /// There is no such pool, or none that takes new queues.
    #[error("{detail}: register one, or give one a weight")]
    PoolDoesNotExist {
        /// Which, by what the server says.
        detail: String,
    },
    /// Another pool has this uri.
    #[error("{detail}: a uri is one pool's only")]
    PoolAlreadyExists {
        /// Which, by what the server says.
        detail: String,
    },
    /// A pool that holds queues or topics, or is the only one of its flavor, is not taken out.
    #[error("{detail}: delete these first, or take the pool out of its flavor")]
    PoolInUse {
        /// What is in the way, by what the server says.
        detail: String,
    },
    /// The project has no such flavor.
    #[error("{detail}: create it first")]
    FlavorDoesNotExist {
        /// Which, by what the server says.
        detail: String,
    },
    /// The catalogue doesn't have the queue or topic.
    #[error("{detail}: create it, or enter it in the catalogue")]
    QueueNotMapped {
        /// Which, by what the server says.
        detail: String,
    },
    /// The subscription was deleted, has expired, or never was.
    #[error("subscription {id} is not in {queue}: it was deleted, has expired, or never was")]
    SubscriptionDoesNotExist {
        /// The queue that was asked.
        queue: QueuePath,
        /// The subscription's id, as given.
        id: String,
    },
    /// The subscriber has a subscription of its own in this queue.
    #[error(
        "subscription {id} of {queue} is that subscriber's already: a subscriber is there once a queue"
    )]
    SubscriptionAlreadyExists {
        /// The subscription's queue.
        queue: QueuePath,
        /// The id of the one that is there.
        id: String,
    },
    /// The server could not be reached, could not answer, or its answer was lost.
    #[error("{}{}: {source}; {}", what_happened(*outcome), At(queue.as_ref()), what_next(*outcome))]
    Transport {
        /// The queue, where the call was about one.
        queue: Option<QueuePath>,
        /// Whether the operation took effect.
        outcome: Outcome,
        /// What happened.
        source: Cause,
    },
    /// It was done on the primary, but what was [asked for](crate::Store::with_durability) has not
    /// confirmed it in time: whether it outlives the primary is unknown. Of no other store than one with
    /// a [`Durability`](crate::Durability).
    #[error("done on the primary{}, but not confirmed: {source}; unknown whether it lasts, so repeat it where a repeat has the effect of one", At(queue.as_ref()))]
    Unconfirmed {
        /// The queue, where the call was about one.
        queue: Option<QueuePath>,
        /// Who has not confirmed it, or why nobody can tell.
        source: Cause,
    },
    /// A body could not be turned into MessagePack, or not from it into the type asked for.
    #[error("the body{}{} does not fit the type: {source}", Of(id.as_deref()), At(queue.as_ref()))]
    Codec {
        /// The queue, where it is known.
        queue: Option<QueuePath>,
        /// The message's id, where it has one already.
        id: Option<String>,
        /// Whether the operation took effect.
        outcome: Outcome,
        /// What does not fit.
        source: Cause,
    },
    /// The server holds or answered something that is not of this crate's format.
    #[error("not in the stored format{}{}: {detail}; something else writes to these keys", Of(id.as_deref()), At(queue.as_ref()))]
    Corrupt {
        /// The queue, where it is known.
        queue: Option<QueuePath>,
        /// The message's or claim's id, where it is known.
        id: Option<String>,
        /// Whether the operation took effect.
        outcome: Outcome,
        /// What was found.
        detail: Cow<'static, str>,
    },
}

impl Error {
    /// The word that stands for this error everywhere: in the scripts, on the command line, in
    /// logs.
    pub fn word(&self) -> &'static str {
        match self {
            Error::QueueDoesNotExist { .. } => "QUEUEGONE",
            Error::TopicDoesNotExist { .. } => "TOPICGONE",
            Error::MessageDoesNotExist { .. } => "MESSAGEGONE",
            Error::ClaimDoesNotExist { .. } => "CLAIMGONE",
            Error::MessageIsClaimed { .. } => "CLAIMED",
            Error::MessageNotClaimed { .. } => "NOTCLAIMED",
            Error::MessageNotClaimedBy { .. } => "NOTYOURS",
            Error::InvalidArgument { .. } => "BADARG",
            Error::TokenReused { .. } => "TOKENREUSED",
            Error::TooLarge { .. } => "TOOLARGE",
            Error::NewerSchema { .. } => "NEWERSCHEMA",
            Error::PoolDoesNotExist { .. } => "POOLGONE",
            Error::PoolAlreadyExists { .. } => "POOLEXISTS",
            Error::PoolInUse { .. } => "POOLINUSE",
            Error::FlavorDoesNotExist { .. } => "FLAVORGONE",
            Error::QueueNotMapped { .. } => "NOTMAPPED",
            Error::SubscriptionDoesNotExist { .. } => "SUBSCRIPTIONGONE",
            Error::SubscriptionAlreadyExists { .. } => "SUBSCRIPTIONEXISTS",
            Error::Transport { .. } => "TRANSPORT",
            Error::Unconfirmed { .. } => "UNCONFIRMED",
            Error::Codec { .. } => "CODEC",
            Error::Corrupt { .. } => "CORRUPT",
        }
    }

    /// Whether the operation took effect all the same. A refusal never has; where an operation takes many
    /// steps, it speaks for the one that met it.
    pub fn outcome(&self) -> Outcome {
        match self {
            Error::Transport { outcome, .. }
            | Error::Codec { outcome, .. }
            | Error::Corrupt { outcome, .. } => *outcome,
            Error::Unconfirmed { .. } => Outcome::Unknown,
            _ => Outcome::NotDone,
        }
    }

    /// The queue or topic it is about, where the error knows it.
    pub fn queue(&self) -> Option<&QueuePath> {
        match self {
            Error::QueueDoesNotExist { queue }
            | Error::TopicDoesNotExist { topic: queue }
            | Error::MessageDoesNotExist { queue, .. }
            | Error::ClaimDoesNotExist { queue, .. }
            | Error::MessageIsClaimed { queue, .. }
            | Error::MessageNotClaimed { queue, .. }
            | Error::MessageNotClaimedBy { queue, .. }
            | Error::TokenReused { queue, .. }
            | Error::SubscriptionDoesNotExist { queue, .. }
            | Error::SubscriptionAlreadyExists { queue, .. } => Some(queue),
            Error::TooLarge { queue, .. }
            | Error::NewerSchema { queue, .. }
            | Error::InvalidArgument { queue, .. }
            | Error::Transport { queue, .. }
            | Error::Unconfirmed { queue, .. }
            | Error::Codec { queue, .. }
            | Error::Corrupt { queue, .. } => queue.as_ref(),
            Error::PoolDoesNotExist { .. }
            | Error::PoolAlreadyExists { .. }
            | Error::PoolInUse { .. }
            | Error::FlavorDoesNotExist { .. }
            | Error::QueueNotMapped { .. } => None,
        }
    }

    /// The id of the message or claim it is about, where there is one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Error::MessageDoesNotExist { id, .. }
            | Error::ClaimDoesNotExist { id, .. }
            | Error::MessageIsClaimed { id, .. }
            | Error::MessageNotClaimed { id, .. }
            | Error::MessageNotClaimedBy { id, .. }
            | Error::SubscriptionDoesNotExist { id, .. }
            | Error::SubscriptionAlreadyExists { id, .. } => Some(id),
            Error::Codec { id, .. } | Error::Corrupt { id, .. } => id.as_deref(),
            _ => None,
        }
    }

    pub(crate) fn invalid(argument: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Error::InvalidArgument {
            queue: None,
            argument: argument.into(),
            detail: detail.into(),
        }
    }

    pub(crate) fn corrupt(detail: impl Into<Cow<'static, str>>) -> Self {
        // What is found corrupt is found in an answer, so the operation was done.
        Error::Corrupt {
            queue: None,
            id: None,
            outcome: Outcome::Done,
            detail: detail.into(),
        }
    }

    /// As one step of many, where another outcome holds for all of them. A refusal stays one.
    pub(crate) fn with_outcome(mut self, all: Outcome) -> Self {
        if let Error::Transport { outcome, .. } | Error::Corrupt { outcome, .. } = &mut self {
            *outcome = all;
        }
        self
    }

    /// Whether this is of the line to the server, which itself has said nothing.
    pub(crate) fn is_of_the_line(&self) -> bool {
        matches!(self, Error::Transport { source, .. } if source.code().is_none())
    }

    /// Adds where it happened to an error that was made by code that can't know.
    pub(crate) fn within(mut self, path: &QueuePath, of: Option<&str>) -> Self {
        if let Error::InvalidArgument { queue, .. }
        | Error::Transport { queue, .. }
        | Error::Unconfirmed { queue, .. }
        | Error::Codec { queue, .. }
        | Error::Corrupt { queue, .. } = &mut self
        {
            queue.get_or_insert_with(|| path.clone());
        }
        if let (Error::Codec { id, .. } | Error::Corrupt { id, .. }, Some(of)) = (&mut self, of) {
            id.get_or_insert_with(|| of.to_owned());
        }
        self
    }
}

fn what_happened(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NotDone => "not done",
        Outcome::Done => "done, but the answer can't be used",
        Outcome::Unknown => "unknown whether it was done",
    }
}

fn what_next(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NotDone => "it is safe to try again",
        Outcome::Done => "don't repeat it",
        Outcome::Unknown => "repeat it only where a repeat has the effect of one, or look first",
    }
}

/// "topic …": the names of a topic are those of a queue.
struct Topic<'a>(&'a QueuePath);

impl std::fmt::Display for Topic<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "topic {:?}", self.0.name().as_str())?;
        match self.0.project().as_str() {
            "" => Ok(()),
            project => write!(f, " of project {project:?}"),
        }
    }
}

/// " in queue …", or nothing.
struct At<'a>(Option<&'a QueuePath>);

impl std::fmt::Display for At<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |queue| write!(f, " in {queue}"))
    }
}

/// " for queue …", or nothing.
struct For<'a>(Option<&'a QueuePath>);

impl std::fmt::Display for For<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |queue| write!(f, " for {queue}"))
    }
}

/// "queue … was", or "the control plane was".
struct Was<'a>(Option<&'a QueuePath>);

impl std::fmt::Display for Was<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(queue) => write!(f, "{queue} was"),
            None => f.write_str("the control plane was"),
        }
    }
}

/// " of …" an id, or nothing.
struct Of<'a>(Option<&'a str>);

impl std::fmt::Display for Of<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |id| write!(f, " of {id}"))
    }
}

/// Safe for a terminal, whoever wrote it.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

//! Message queues with claims on Redis.

mod claim;
pub mod envelope;
mod error;
pub mod keys;
mod link;
mod message;
mod metadata;
mod operation;
mod queue;
mod reply;
pub mod script;
mod store;
mod time;

pub use claim::{Claim, ClaimId, CreateClaim, Lease, Nack, Release};
pub use error::{Cause, Error, Outcome, Result};
pub use message::{Message, MessageId, NewMessage, Origin};
pub use metadata::Metadata;
pub use queue::{
    CreateQueue, Delete, End, List, MessagePage, Order, Pop, Post, Queue, Stats, Violation,
};
pub use redis;
pub use store::{
    Builder, ProjectPage, Projects, QueueEntry, QueuePage, Queues, ScriptState, Store,
};
pub use time::Timestamp;

/// What awaiting a builder runs: a boxed future that may go to any thread.
pub type Pending<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

//! Message queues with claims on Redis.
//!
//! Producers post messages to named queues; workers claim some for a while, and a claim that is not
//! kept hands its messages to the next worker. Every operation is one Lua script that runs in one
//! atomic step, so no two live claims ever hold the same message, whoever crashes.
//!
//! ```no_run
//! # use std::time::Duration;
//! # use marconi_redis::Store;
//! # use serde::{Deserialize, Serialize};
//! #[derive(Serialize, Deserialize)]
//! struct Order {
//!     number: u64,
//!     article: String,
//! }
//!
//! # async fn example(url: &str) -> marconi_redis::Result<()> {
//! let store = Store::connect(url).await?;
//! let orders = store.queue("shop", "orders")?;
//! for number in 1..=3 {
//!     let article = "umbrella".to_owned();
//!     orders.post(&Order { number, article }).await?;
//! }
//!
//! // A worker: what it does not delete within 30 s is another's again.
//! while let Some(claim) = orders.claim().ttl(Duration::from_secs(30)).await? {
//!     for message in claim.messages() {
//!         let order: Order = message.body()?;
//!         println!("order {}: one {}", order.number, order.article);
//!         claim.delete(message.id()).await?;
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! # What to read next
//! - [`Store`]: connecting, deadlines, what a dropped future leaves behind, listing queues.
//! - [`Queue`]: posting, claiming, popping, reading, counting; [`Metadata`] for a queue's defaults,
//!   its limit of claims and its dead-letter queue.
//! - [`Claim`]: deleting what is done, renewing, giving back; its [fence](Claim::fence).
//! - [`DeadLetters`]: what is kept of messages whose claims are used up, and [`Redrive`]: their way
//!   back, from a dead-letter queue too.
//! - [`Consumer`]: what worker programs run: handlers, renewal, back-off and an orderly shutdown.
//! - [`Topic`]: messages that everybody reads; [`Subscription`]: who is to be told; [`Health`]: whether a
//!   store works.
//! - [`PooledStore`]: queues on many servers, and [`Control`]: which servers those are.
//! - [`Durability`]: an answer only when replicas, or a disk, have the write too.
//! - [`Error`]: one name for each cause, and [`Outcome`]: not done, done, or unknown.
//! - [`script`], [`keys`] and [`envelope`]: what a program in another language needs.
//!
//! # Features
//! - `cli` (default): the binary `marconi`. A program that uses the library alone turns the default
//!   features off.
//! - `tls`: `rediss://`, with the certificates that the operating system trusts.
//! - `tracing`: an event for each call, with script, queue, attempts and outcome; never arguments.

mod check;
mod claim;
mod consumer;
mod control;
mod durability;
pub mod envelope;
mod error;
mod health;
pub mod keys;
mod link;
mod message;
mod metadata;
mod operation;
mod pooled;
mod queue;
mod repair;
mod reply;
pub mod script;
mod store;
mod subscription;
mod time;
mod topic;
mod wake;

pub use check::Violation;
pub use claim::{Claim, ClaimId, CreateClaim, Lease, Nack, Release};
pub use consumer::{Backoff, Consumed, Consumer, Deliveries, Delivery, Event, Failure};
pub use control::{
    CatalogueEntry, CataloguePage, Control, ControlKind, CreatePool, Flavor, FlavorPage,
    ListCatalogue, ListFlavors, ListPools, Placement, Pool, PoolPage, UpdatePool,
};
pub use durability::Durability;
pub use error::{Cause, Error, Outcome, Result};
pub use health::{Capability, Collected, Health, OperationKind, Tried, Volume};
pub use message::{Message, MessageId, NewMessage, Origin};
pub use metadata::Metadata;
pub use pooled::{
    CreatePooledQueue, CreatePooledTopic, PooledQueueEntry, PooledQueuePage, PooledQueues,
    PooledStore, PooledTopicEntry, PooledTopicPage, PooledTopics,
};
pub use queue::{
    CreateQueue, DeadLetters, Delete, End, LetterInTransit, List, ListDeadLetters, ListInTransit,
    MessagePage, Order, Pop, Post, Queue, Redrive, Redriven, Stats, TransitPage,
};
pub use redis;
pub use repair::Repair;
pub use store::{
    Builder, ProjectPage, Projects, QueueEntry, QueuePage, Queues, ScriptState, Store,
};
pub use subscription::{
    ListSubscriptions, Subscribe, Subscribed, Subscription, SubscriptionId, SubscriptionPage,
    UpdateSubscription,
};
pub use time::Timestamp;
/// Of the crate tokio-util, 0.7; its version is part of this crate's interface.
pub use tokio_util::sync::CancellationToken;
pub use topic::{Topic, TopicPage, Topics};

/// What awaiting a builder runs: a boxed future that may go to any thread.
pub type Pending<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

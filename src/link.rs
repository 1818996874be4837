//! The line to the server: sends scripts, loads them where they are missing, reconnects, repeats.
//!
//! Guards the three-way answer of every call: *not done* only while no command left that could have
//! been, *done* where the server said so, *unknown* for everything between. That is why the
//! connection is made here and not by a manager that reconnects on its own: only who hands a
//! command over knows that it left.

mod backoff;
mod call;
mod cluster;
mod deployment;
mod dial;
mod hosts;
mod receipt;
mod run;
mod sentinel;
mod source;
mod trace;
mod verdict;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use redis::aio::ConnectionLike;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

pub(crate) use backoff::Backoff;
pub(crate) use call::{Call, Reply, Retry};
pub(crate) use cluster::{Node, Topology, slot_of};
pub(crate) use deployment::Deployment;
pub(crate) use dial::Dialler;

use crate::durability::Durability;
use crate::error::{Cause, Error, Outcome, Result};
use run::Run;
use source::{Boxed, Route, Source};

/// How long a call may take, and how many may be under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// From the call to its answer, with all waiting and repeating in between.
    pub(crate) deadline: Duration,
    /// Commands that may be under way at once; more wait their turn.
    pub(crate) in_flight: usize,
    /// Runs that may be under way at once that are to be confirmed, each on a connection of its own;
    /// more wait their turn. They are not counted above, so that they hold nothing else up.
    pub(crate) receipts: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            deadline: Duration::from_secs(5),
            in_flight: 1024,
            receipts: 64,
        }
    }
}

/// A handle on the line; clones share the connection and the bound on requests.
///
/// # Dropping a future
/// Dropping the future of [`call`](Link::call) or [`calls`](Link::calls) before it is ready is the
/// same as a lost answer: what was handed over is done or will be, what was not never will. Nothing
/// is leaked, and other calls on the connection are not disturbed.
#[derive(Clone)]
pub(crate) struct Link {
    shared: Arc<Shared>,
    deadline: Duration,
    durability: Option<Durability>,
}

struct Shared {
    source: Source,
    permits: Semaphore,
    in_flight: u32,
    receipts: Semaphore,
    most_receipts: usize,
    /// What is said of its failures beside the failure, where it is one line of several.
    label: Option<String>,
}

impl Link {
    /// Connections of its own, made when first needed.
    pub(crate) fn to(deployment: Deployment, limits: Limits) -> Self {
        Self::new(Source::to(deployment), limits)
    }

    /// A connection that the caller has; each call works on a clone of it.
    ///
    /// What it does between taking a command and failing is its own affair, so all its failures
    /// count as unknown.
    pub(crate) fn over<C>(connection: C, limits: Limits) -> Self
    where
        C: ConnectionLike + Clone + Send + Sync + 'static,
    {
        Self::pooled(
            move || {
                let connection = connection.clone();
                async move { Ok::<_, std::convert::Infallible>(connection) }
            },
            limits,
        )
    }

    /// Connections from the caller's pool; each attempt takes one and drops it when done.
    pub(crate) fn pooled<F, Fut, C, E>(lend: F, limits: Limits) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<C, E>> + Send + 'static,
        C: ConnectionLike + Send + 'static,
        E: fmt::Display,
    {
        Self::new(Source::lent(lend), limits)
    }

    fn new(source: Source, limits: Limits) -> Self {
        let in_flight = limits.in_flight.clamp(1, Semaphore::MAX_PERMITS);
        let in_flight = u32::try_from(in_flight).unwrap_or(u32::MAX);
        let most_receipts = limits.receipts.clamp(1, Semaphore::MAX_PERMITS);
        Link {
            shared: Arc::new(Shared {
                source,
                permits: Semaphore::new(in_flight as usize),
                in_flight,
                receipts: Semaphore::new(most_receipts),
                most_receipts,
                label: None,
            }),
            deadline: limits.deadline,
            durability: None,
        }
    }

    /// A line with the same limits to another server.
    pub(crate) fn another(&self, deployment: Deployment, label: &str) -> Self {
        let (in_flight, most_receipts) = (self.shared.in_flight, self.shared.most_receipts);
        let shared = Shared {
            source: Source::to(deployment),
            permits: Semaphore::new(in_flight as usize),
            in_flight,
            receipts: Semaphore::new(most_receipts),
            most_receipts,
            label: Some(label.to_owned()),
        };
        Link {
            shared: Arc::new(shared),
            ..self.clone()
        }
    }

    /// The same line, with another deadline for its calls.
    pub(crate) fn with_deadline(&self, deadline: Duration) -> Self {
        Link {
            deadline,
            ..self.clone()
        }
    }

    /// The same line; what its calls write is answered once it is confirmed.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] over the caller's own connection: what happens to it between a write
    /// and its receipt is not known here.
    pub(crate) fn with_durability(&self, durability: Durability) -> Result<Self> {
        if !self.shared.source.makes_connections() {
            let why = "wants a store that makes its own connections: one by a URL";
            return Err(Error::invalid("durability", why));
        }
        Ok(Link {
            durability: Some(durability.checked()?),
            ..self.clone()
        })
    }

    pub(crate) fn is_durable(&self) -> bool {
        self.durability.is_some()
    }

    /// Tries once to have a connection, so that a wrong address or password shows at once instead
    /// of after a deadline full of repetitions.
    pub(crate) async fn connect(&self) -> Result<()> {
        let cause = match timeout(self.deadline, self.shared.source.line(&Route::Any, false)).await
        {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(failure)) => failure.cause,
            Err(_) => Cause::text(format!("no connection within {:?}", self.deadline)),
        };
        Err(self.nowhere(cause))
    }

    /// Makes one call.
    pub(crate) async fn call(&self, call: Call, retry: Retry) -> Result<Reply> {
        let mut replies = self.calls(&[call], retry).await;
        replies
            .pop()
            .unwrap_or_else(|| Err(Error::corrupt("no reply")))
    }

    /// Makes several calls in one round trip, each with an answer of its own, in the same order.
    ///
    /// Those on one queue run in order, but are not one step: others' calls can come between, and a
    /// call that has to be repeated (its script was not loaded, the server was loading) runs after
    /// those that went through. In a cluster, calls on different queues run side by side.
    pub(crate) async fn calls(&self, calls: &[Call], retry: Retry) -> Vec<Result<Reply>> {
        let source = &self.shared.source;
        let first = calls
            .first()
            .map_or(Route::Any, |call| source.route_of(call));
        let is_one_way = |call: &Call| source.route_of(call) == first;
        if first == Route::Any || calls[1..].iter().all(is_one_way) {
            return self.run(calls.iter(), first, retry).await;
        }
        // Rare and deep: every operation would carry its states about, and their types.
        let spread: Boxed<'_, _> = Box::pin(self.spread(calls, retry));
        spread.await
    }

    /// Makes the same calls on every node that holds something; the answers of each.
    pub(crate) async fn everywhere(
        &self,
        calls: &[Call],
        retry: Retry,
    ) -> Result<Vec<Vec<Result<Reply>>>> {
        let routes = timeout(self.deadline, self.shared.source.routes()).await;
        let routes = match routes {
            Ok(Ok(routes)) => routes,
            Ok(Err(none)) => return Err(self.nowhere(none.cause)),
            Err(_) => return Err(self.nowhere(Cause::text("no connection in time"))),
        };
        let run = |route| -> Boxed<'_, _> { Box::pin(self.run(calls.iter(), route, retry)) };
        Ok(join_all(routes.into_iter().map(run)).await)
    }

    /// Each slot's calls by themselves, all at once.
    async fn spread(&self, calls: &[Call], retry: Retry) -> Vec<Result<Reply>> {
        let mut ways: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (at, call) in calls.iter().enumerate() {
            let route = self.shared.source.route_of(call);
            ways.entry(route).or_default().push(at);
        }
        let runs = ways.into_iter().map(|(route, which)| async move {
            let of_route = which.iter().map(|at| &calls[*at]);
            let results = self.run(of_route, route, retry).await;
            which.into_iter().zip(results).collect::<Vec<_>>()
        });
        let mut results: Vec<_> = join_all(runs).await.into_iter().flatten().collect();
        results.sort_unstable_by_key(|(at, _)| *at);
        results.into_iter().map(|(_, result)| result).collect()
    }

    async fn run(
        &self,
        calls: impl Iterator<Item = &Call>,
        route: Route,
        retry: Retry,
    ) -> Vec<Result<Reply>> {
        let now = Instant::now();
        // A deadline beyond what the clock can hold is none.
        let far = Duration::from_secs(365 * 24 * 3600);
        let deadline = now + self.deadline.min(far);
        let run = Run::new(calls, route, retry, deadline).confirmed_by(self.durability);
        let mut results = run.go(&self.shared).await;
        for result in &mut results {
            if let Err(error) = result {
                self.label(error);
            }
        }
        results
    }

    /// There is no connection.
    fn nowhere(&self, cause: Cause) -> Error {
        let mut error = Error::Transport {
            queue: None,
            outcome: Outcome::NotDone,
            source: cause,
        };
        self.label(&mut error);
        error
    }

    /// Says where it was, where this is one line of several.
    fn label(&self, error: &mut Error) {
        if let (Some(label), Error::Transport { source, .. } | Error::Unconfirmed { source, .. }) =
            (&self.shared.label, error)
        {
            *source = source.labelled(label);
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("server", &self.shared.source)
            .field("deadline", &self.deadline)
            .field("in_flight", &self.shared.in_flight)
            .finish()
    }
}

#[cfg(test)]
mod tests;

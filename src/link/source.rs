//! Where connections come from: one of our own that is made anew when it breaks, or the caller's.
//!
//! Guards that at most one connection is being made at a time, and that one which broke or fell
//! silent is not given to the next call.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, ErrorKind, Pipeline, PushInfo, PushKind, RedisError, RedisResult, Value};

use super::call::Call;
use super::cluster::{Node, Nodes, slot_of};
use super::deployment::Deployment;
use super::dial::Dialler;
use super::receipt::{Dedicated, Idle};
use super::verdict;
use crate::error::Cause;

/// A future whose type stays out of that of its user.
pub(super) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What commands are sent on.
pub(super) trait Wire: Send {
    fn one<'a>(&'a mut self, cmd: &'a Cmd) -> Boxed<'a, RedisResult<Value>>;
    fn many<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
    ) -> Boxed<'a, RedisResult<Vec<RedisResult<Value>>>>;
}

impl<C: ConnectionLike + Send> Wire for C {
    fn one<'a>(&'a mut self, cmd: &'a Cmd) -> Boxed<'a, RedisResult<Value>> {
        Box::pin(cmd.query_async(self))
    }

    fn many<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
    ) -> Boxed<'a, RedisResult<Vec<RedisResult<Value>>>> {
        Box::pin(pipeline.query_async(self))
    }
}

/// A connection for one attempt.
pub(super) struct Line {
    pub(super) wire: Box<dyn Wire>,
    pub(super) health: Arc<Health>,
    /// Each command says that a node was sent here by another one, which has the slot still.
    pub(super) is_asked: bool,
    /// Nobody else sends anything on it, until it is parked.
    pub(super) dedicated: Option<Dedicated>,
}

impl Line {
    /// All was answered: a connection of its own is kept for the next one.
    pub(super) fn park(self) {
        if let Some(dedicated) = self.dedicated {
            dedicated.park();
        }
    }
}

/// What those who use a connection know about it together.
#[derive(Default)]
pub(super) struct Health {
    broken: AtomicBool,
    answers: AtomicU64,
}

impl Health {
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// The next call gets another connection; those that wait on this one still get their answers.
    pub(super) fn retire(&self) {
        self.broken.store(true, Ordering::Release);
    }

    pub(super) fn answered(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }
}

/// Why there is no connection. Nothing was sent.
pub(super) struct NoLine {
    pub(super) cause: Cause,
    pub(super) worth_another_try: bool,
}

impl From<RedisError> for NoLine {
    fn from(error: RedisError) -> Self {
        NoLine {
            cause: Cause::redis(&error),
            worth_another_try: verdict::is_worth_dialling_again(&error),
        }
    }
}

/// Where calls go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Route {
    /// Where all go; in a cluster, to any node.
    Any,
    /// To whoever serves this slot of a cluster.
    Slot(u16),
    /// To this node of a cluster, whatever it serves.
    Node(Node),
}

type Lend = dyn Fn() -> Boxed<'static, Result<Box<dyn Wire>, NoLine>> + Send + Sync;

pub(super) enum Source {
    Own(Box<Own>),
    Cluster(Box<Nodes>),
    Lent(Box<Lend>),
}

impl Source {
    pub(super) fn to(deployment: Deployment) -> Self {
        match deployment {
            Deployment::One(dialler) => Source::Own(Box::new(Own::of(dialler))),
            Deployment::Cluster(topology) => Source::Cluster(Box::new(Nodes::of(topology))),
        }
    }

    pub(super) fn lent<F, Fut, C, E>(lend: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<C, E>> + Send + 'static,
        C: ConnectionLike + Send + 'static,
        E: fmt::Display,
    {
        Source::Lent(Box::new(move || {
            let lending = lend();
            Box::pin(async move {
                match lending.await {
                    Ok(connection) => Ok(Box::new(connection) as Box<dyn Wire>),
                    Err(error) => Err(NoLine {
                        cause: Cause::text(error.to_string()),
                        worth_another_try: true,
                    }),
                }
            })
        }))
    }

    /// Which way a call goes.
    pub(super) fn route_of(&self, call: &Call) -> Route {
        match self {
            Source::Cluster(_) => call
                .key()
                .map_or(Route::Any, |key| Route::Slot(slot_of(key))),
            Source::Own(_) | Source::Lent(_) => Route::Any,
        }
    }

    /// The ways to all nodes that hold something.
    pub(super) async fn routes(&self) -> Result<Vec<Route>, NoLine> {
        match self {
            Source::Cluster(nodes) => {
                let asked: Boxed<'_, RedisResult<Vec<Node>>> = Box::pin(nodes.topology.primaries());
                Ok(asked.await?.into_iter().map(Route::Node).collect())
            }
            _ => Ok(vec![Route::Any]),
        }
    }

    /// A connection to who is to be called; with `is_dedicated` one that nobody else uses meanwhile.
    pub(super) async fn line(&self, route: &Route, is_dedicated: bool) -> Result<Line, NoLine> {
        match self {
            Source::Own(own) => own.line(is_dedicated).await,
            // Deep, and only there for clusters: see `Own::line`.
            Source::Cluster(nodes) => {
                let line: Boxed<'_, Result<Line, NoLine>> =
                    Box::pin(nodes.line(route, is_dedicated));
                line.await
            }
            Source::Lent(lend) => Ok(Line {
                wire: lend().await?,
                health: Arc::default(),
                is_asked: false,
                dedicated: None,
            }),
        }
    }

    /// Whether connections are made here, and not by the caller.
    pub(super) fn makes_connections(&self) -> bool {
        !matches!(self, Source::Lent(_))
    }

    /// Whether there is a connection that is not known to be broken.
    #[cfg(test)]
    pub(super) fn is_connected(&self) -> bool {
        matches!(self, Source::Own(own) if own.current().is_some())
    }

    /// Calls that went this way were not answered there. `moved` is who has the slot instead.
    pub(super) fn doubt(&self, route: &Route, moved: Option<Node>) {
        match (self, route, moved) {
            (Source::Cluster(nodes), Route::Slot(slot), Some(owner)) => {
                nodes.topology.correct(*slot, owner);
            }
            (Source::Cluster(nodes), ..) => nodes.topology.doubt(),
            _ => {}
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Own(own) => own.dialler.fmt(f),
            Source::Cluster(nodes) => nodes.topology.fmt(f),
            Source::Lent(_) => f.write_str("the caller's connection"),
        }
    }
}

/// One multiplexed connection, made when needed.
pub(super) struct Own {
    dialler: Dialler,
    current: Mutex<Option<(MultiplexedConnection, Arc<Health>)>>,
    /// Held while connecting, so that a thousand calls to a server that is away are one attempt.
    dialling: tokio::sync::Mutex<()>,
    /// The server knows no RESP3, so that a broken connection shows only when it is used.
    is_plain: AtomicBool,
    /// Beside the one that all share: those for writes that are to be confirmed.
    idle: Arc<Idle>,
}

impl Own {
    pub(super) fn of(dialler: Dialler) -> Self {
        Own {
            dialler,
            current: Mutex::default(),
            dialling: tokio::sync::Mutex::default(),
            is_plain: AtomicBool::new(false),
            idle: Arc::default(),
        }
    }

    pub(super) async fn line(&self, is_dedicated: bool) -> Result<Line, NoLine> {
        if is_dedicated {
            return self.dedicated().await;
        }
        if let Some(line) = self.current() {
            return Ok(line);
        }
        let _dialling = self.dialling.lock().await;
        // Whoever held the lock before may have connected.
        if let Some(line) = self.current() {
            return Ok(line);
        }
        // Rare and deep: every operation would carry its states about, and their types.
        let dial: Boxed<'_, RedisResult<(MultiplexedConnection, Arc<Health>)>> =
            Box::pin(self.dial());
        let made = dial.await?;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(made.clone());
        Ok(Line {
            wire: Box::new(made.0),
            health: made.1,
            is_asked: false,
            dedicated: None,
        })
    }

    /// A connection of the caller's own: one that is idle, or a new one.
    async fn dedicated(&self) -> Result<Line, NoLine> {
        if let Some(idle) = self.idle.take() {
            return Ok(idle.line());
        }
        let dial: Boxed<'_, RedisResult<(MultiplexedConnection, Arc<Health>)>> =
            Box::pin(self.dial());
        let (connection, health) = dial.await?;
        Ok(Dedicated::new(connection, health, &self.idle).line())
    }

    fn current(&self) -> Option<Line> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let (connection, health) = current.as_ref()?;
        if health.is_broken() {
            *current = None;
            return None;
        }
        Some(Line {
            wire: Box::new(connection.clone()),
            health: Arc::clone(health),
            is_asked: false,
            dedicated: None,
        })
    }

    /// Asks for RESP3, because only then does redis tell at once that a connection broke. Otherwise
    /// the first command after a restart of the server would be handed to a dead connection, and
    /// nobody could say whether it was done.
    async fn dial(&self) -> RedisResult<(MultiplexedConnection, Arc<Health>)> {
        let health = Arc::new(Health::default());
        if !self.is_plain.load(Ordering::Relaxed) {
            let told = Arc::clone(&health);
            let notice = move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    told.retire();
                }
                Ok::<_, std::convert::Infallible>(())
            };
            match self.dialler.dial(notice).await {
                Ok(connection) => return Ok((connection, health)),
                Err(error) if error.kind() == ErrorKind::RESP3NotSupported => {
                    self.is_plain.store(true, Ordering::Relaxed);
                }
                Err(error) => return Err(error),
            }
        }
        Ok((self.dialler.dial_plainly().await?, health))
    }
}

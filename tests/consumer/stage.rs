//! A queue of a test's own, and a record of what its consumer tells.

use std::fmt::Debug;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use marconi_redis::{Consumed, Consumer, Delivery, Event, MessageId, Queue, Result, Store};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

use crate::common::{self, Server};

/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(30);

pub async fn queue() -> Queue {
    queue_on(Server::shared()).await
}

pub async fn queue_on(server: &Server) -> Queue {
    let store = Store::connect(&server.url()).await.unwrap();
    store.queue(&common::a_queue(), "orders").unwrap()
}

/// Posts so many, with the bodies 0, 1, …
pub async fn post(queue: &Queue, count: u32) -> Vec<MessageId> {
    let mut ids = Vec::new();
    for from in (0..count).step_by(250) {
        let bodies = from..count.min(from + 250);
        let messages = bodies.map(|body| marconi_redis::NewMessage::new(&body).unwrap());
        ids.extend(queue.post_many(messages).await.unwrap());
    }
    ids
}

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What has to come, comes.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let came = tokio::time::timeout(PATIENCE, future).await;
    came.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"))
}

/// A list that grows, and can be waited on.
#[derive(Clone)]
pub struct Log<T>(Arc<(Mutex<Vec<T>>, Notify)>);

impl<T> Default for Log<T> {
    fn default() -> Self {
        Log(Arc::new((Mutex::new(Vec::new()), Notify::new())))
    }
}

impl<T: Clone + Debug> Log<T> {
    pub fn push(&self, item: T) {
        self.0.0.lock().unwrap().push(item);
        self.0.1.notify_waiters();
    }

    pub fn all(&self) -> Vec<T> {
        self.0.0.lock().unwrap().clone()
    }

    pub fn count(&self, of: impl Fn(&T) -> bool) -> usize {
        self.all().iter().filter(|item| of(item)).count()
    }

    /// Waits until so many are of this kind.
    pub async fn wait(&self, count: usize, of: impl Fn(&T) -> bool) {
        let mut notified = Box::pin(self.0.1.notified());
        let wait = async {
            loop {
                notified.as_mut().enable();
                if self.count(&of) >= count {
                    return;
                }
                notified.as_mut().await;
                notified.set(self.0.1.notified());
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            panic!("{count} of them did not come: {:#?}", self.all());
        }
    }
}

/// The events of a consumer, by the beginning of their names.
pub type Events = Log<String>;

pub fn recorded(consumer: Consumer) -> (Consumer, Events) {
    let events = Events::default();
    let log = events.clone();
    let consumer = consumer.on_event(move |event: &Event| log.push(format!("{event:?}")));
    (consumer, events)
}

pub fn named(name: &'static str) -> impl Fn(&String) -> bool {
    move |event| event.split([' ', '{']).next() == Some(name)
}

/// A consumer that runs, and what stops it.
pub struct Running {
    pub events: Events,
    stop: marconi_redis::CancellationToken,
    run: JoinHandle<Result<Consumed>>,
}

impl Running {
    pub fn start<H, F, E>(consumer: Consumer, handler: H) -> Self
    where
        H: Fn(Delivery) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let stop = marconi_redis::CancellationToken::new();
        let (consumer, events) = recorded(consumer.until(stop.clone().cancelled_owned()));
        let run = tokio::spawn(consumer.run(handler));
        Running { events, stop, run }
    }

    pub fn shut_down(&self) {
        self.stop.cancel();
    }

    pub async fn end(self) -> Result<Consumed> {
        soon("the consumer's end", self.run).await.unwrap()
    }

    pub async fn stop(self) -> Consumed {
        self.shut_down();
        self.end().await.unwrap()
    }

    /// Drops the future of `run`.
    pub async fn abort(self) -> Events {
        self.run.abort();
        assert!(self.run.await.unwrap_err().is_cancelled());
        self.events
    }
}

/// A handler that begins, and goes on when the test says so.
#[derive(Clone)]
pub struct Gate {
    /// The bodies that were begun.
    pub begun: Log<u32>,
    pub cancelled: Log<u32>,
    open: Arc<Semaphore>,
}

impl Gate {
    pub fn new() -> Self {
        Gate {
            begun: Log::default(),
            cancelled: Log::default(),
            open: Arc::new(Semaphore::new(0)),
        }
    }

    /// Lets so many go on.
    pub fn let_go(&self, count: usize) {
        self.open.add_permits(count);
    }

    pub async fn pass(self, delivery: Delivery) -> Result<(), String> {
        let body = delivery.body().unwrap();
        self.begun.push(body);
        tokio::select! {
            permit = self.open.acquire() => permit.unwrap().forget(),
            () = delivery.cancelled() => self.cancelled.push(body),
        }
        Ok(())
    }

    /// As many at once as were begun.
    pub fn handler(
        &self,
    ) -> impl Fn(Delivery) -> std::pin::Pin<Box<dyn Future<Output = Result<(), String>> + Send>>
    + Send
    + Sync
    + 'static {
        let gate = self.clone();
        move |delivery| Box::pin(gate.clone().pass(delivery))
    }
}

//! Handlers: as many at a time as the consumer was told, each in a task of its own.
//!
//! Guards that a handler which fails, panics or hangs costs its own message a try, and nothing
//! else.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::Consumer;
use super::delivery::{Delivery, take};
use super::event::{Consumed, Failure};
use super::pump::{Fresh, Intake, Pump};
use super::share::End;
use super::shared::Shared;
use crate::error::Result;

/// How long an aborted handler may take to end, when the consumer has no time left.
const LAST_MOMENT: Duration = Duration::from_secs(1);

impl Consumer {
    /// Claims messages and has them handled, until [`until`](Self::until) says that it is enough.
    ///
    /// Where the handler returns `Ok`, the message is deleted. Where it returns an error, panics or
    /// takes longer than [`handler_timeout`](Self::handler_timeout), the message is given back with
    /// the consumer's [back-off](Self::backoff). It is up to the handler to bear a message twice.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// use marconi_redis::Delivery;
    ///
    /// async fn print(delivery: Delivery) -> marconi_redis::Result<()> {
    ///     println!("{}", delivery.body::<String>()?);
    ///     Ok(())
    /// }
    ///
    /// let consumed = queue.consumer().concurrency(4).run(print).await?;
    /// println!("{} handled, {} failed", consumed.handled, consumed.failed);
    /// # Ok(()) }
    /// ```
    ///
    /// # Shutdown
    /// It stops claiming at once and gives back what is not started, with its try: those claims
    /// don't count. Handlers that run go on, and their claims are renewed, for as long as
    /// [`drain`](Self::drain) says. What is not ready then is cancelled, aborted and given back as
    /// tried. After that it takes no longer than the store's deadline.
    ///
    /// # Dropping the future
    /// Aborts the handlers. In the background, what is not started is given back with its try, and
    /// the rest as tried; where the program ends before that is done, it lapses with its claims.
    ///
    /// # Errors
    /// A server that is away, restarts or refuses for a while ends nothing: the consumer waits,
    /// longer and longer up to 5 s, and tries again. It ends, after a shutdown as above, for what no
    /// repetition mends: [`InvalidArgument`](crate::Error::InvalidArgument) for its settings or a
    /// queue that something else wrote to, [`NewerSchema`](crate::Error::NewerSchema), and
    /// [`Transport`](crate::Error::Transport) with the code `NOAUTH`, `WRONGPASS` or `NOPERM`.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn run<H, F, E>(self, handler: H) -> Result<Consumed>
    where
        H: Fn(Delivery) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>> + 'static,
    {
        let (concurrency, drain) = (self.concurrency, self.drain);
        let (shared, until) = self.start()?;
        let (pump, intake) = Pump::new(&shared, until);
        let handler = Arc::new(handler);
        let mut workers = JoinSet::new();
        for _ in 0..concurrency {
            let worker = Worker {
                shared: Arc::clone(&shared),
                handler: Arc::clone(&handler),
            };
            workers.spawn(worker.work(intake.clone()));
        }
        drop(intake);
        let pump = tokio::spawn(pump.run());

        shared.stop.cancelled().await;
        let end = Instant::now() + drain.min(super::FAR);
        tokio::select! {
            () = all(&mut workers) => {}
            () = sleep_until(end) => shared.hurry.cancel(),
        }
        all(&mut workers).await;
        // What is not given back by then lapses.
        let patience = end.max(Instant::now()) + shared.queue.store().deadline().min(super::FAR);
        let _ = timeout_at(patience, pump).await;
        shared.failure().map_or(Ok(shared.watch.consumed()), Err)
    }
}

async fn all(workers: &mut JoinSet<()>) {
    while workers.join_next().await.is_some() {}
}

/// Handles one message after the other.
struct Worker<H> {
    shared: Arc<Shared>,
    handler: Arc<H>,
}

impl<H, F, E> Worker<H>
where
    H: Fn(Delivery) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Box<dyn StdError + Send + Sync>> + 'static,
{
    async fn work(self, intake: Intake) {
        while let Ok(fresh) = intake.ask().await {
            self.handle(fresh).await;
        }
    }

    async fn handle(&self, Fresh { message, stake }: Fresh) {
        let Some(delivery) = Delivery::start(message, stake) else {
            return;
        };
        let (slot, token) = (delivery.slot(), delivery.token());
        let mut task = self.begin(delivery);
        let limit = self.shared.terms.handler_timeout;
        let end = tokio::select! {
            ended = &mut task.0 => Some(end_of(ended)),
            () = sleep(limit.unwrap_or(super::FAR).min(super::FAR)) => {
                token.cancel();
                let timed_out = Failure::TimedOut(limit.unwrap_or_default());
                self.stop(&mut task, End::Failed(timed_out)).await
            }
            () = self.shared.hurry.cancelled() => {
                token.cancel();
                let (delay, untried) = (Duration::ZERO, false);
                self.stop(&mut task, End::HandedBack { delay, untried }).await
            }
        };
        // A handler that doesn't end keeps its message; it is given back when it does.
        let Some(end) = end else { return };
        if let Some(stake) = take(&slot) {
            // What fails is told of by an event.
            let _ = stake.settle(end).await;
        }
    }

    /// Aborts a handler, and answers what becomes of its message; `None` where it doesn't end.
    async fn stop(&self, task: &mut Task, otherwise: End) -> Option<End> {
        task.0.abort();
        tokio::select! {
            ended = &mut task.0 => Some(match ended {
                Err(error) if error.is_cancelled() => otherwise,
                // It was faster.
                ended => end_of(ended),
            }),
            () = self.last_moment() => None,
        }
    }

    async fn last_moment(&self) {
        self.shared.hurry.cancelled().await;
        sleep(LAST_MOMENT).await;
    }

    /// The call of the handler is in the task too, for it may panic before its first await.
    fn begin(&self, delivery: Delivery) -> Task {
        let handler = Arc::clone(&self.handler);
        Task(tokio::spawn(async move {
            handler(delivery)
                .await
                .map_err(|error| Failure::of(error.into().as_ref()))
        }))
    }
}

/// A handler's task; it ends with its worker.
struct Task(JoinHandle<Result<(), Failure>>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn end_of(ended: Result<Result<(), Failure>, JoinError>) -> End {
    match ended {
        Ok(Ok(())) => End::Done,
        Ok(Err(failure)) => End::Failed(failure),
        Err(error) => match error.try_into_panic() {
            Ok(payload) => End::Failed(Failure::panicked(payload.as_ref())),
            // The runtime ends.
            Err(_) => End::HandedBack {
                delay: Duration::ZERO,
                untried: false,
            },
        },
    }
}

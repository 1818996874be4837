//! Deliveries as a stream, for programs with a loop of their own.
//!
//! Guards that nothing is claimed for a stream that nobody polls.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tokio::sync::oneshot;

use super::Consumer;
use super::delivery::Delivery;
use super::pump::{Fresh, Intake, Pump};
use super::shared::Shared;
use crate::error::Result;

/// The deliveries of a consumer, one after the other; made by [`Consumer::stream`].
///
/// It ends (`None`) when [`until`](Consumer::until) says so. An error is the last item, and one that
/// no repetition mends: see [`run`](Consumer::run). All other trouble is
/// told of by [events](Consumer::on_event), while the stream waits.
///
/// # Dropping it
/// Stops claiming; in the background, what it did not yield is given back with its try. Deliveries
/// that it did yield stay good, and their claims are renewed, until they are settled or dropped.
#[must_use = "nothing is claimed until it is polled"]
pub struct Deliveries {
    state: State,
}

enum State {
    New(Box<Consumer>),
    Running {
        shared: Arc<Shared>,
        intake: Intake,
        asked: Option<oneshot::Receiver<Fresh>>,
    },
    Ended,
}

impl Consumer {
    /// The messages as a stream of deliveries, each of which is to be settled: see [`Delivery`].
    ///
    /// How many are worked on at once is up to the program: what [`concurrency`](Self::concurrency),
    /// [`handler_timeout`](Self::handler_timeout) and [`drain`](Self::drain) say doesn't count here.
    ///
    /// ```no_run
    /// # use std::pin::Pin;
    /// # use std::future::poll_fn;
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// # // As StreamExt of the crate futures has it.
    /// # trait Next: futures_core::Stream + Unpin + Sized {
    /// #     async fn next(&mut self) -> Option<Self::Item> {
    /// #         poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    /// #     }
    /// # }
    /// # impl<S: futures_core::Stream + Unpin> Next for S {}
    /// let mut deliveries = queue.consumer().batch(50).stream();
    /// while let Some(delivery) = deliveries.next().await {
    ///     let delivery = delivery?;
    ///     match delivery.body::<String>() {
    ///         Ok(body) => println!("{body}"),
    ///         Err(error) => {
    ///             delivery.failed(error).await?;
    ///             continue;
    ///         }
    ///     }
    ///     delivery.done().await?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// Where it is polled outside of a tokio runtime.
    pub fn stream(self) -> Deliveries {
        Deliveries {
            state: State::New(Box::new(self)),
        }
    }
}

impl Stream for Deliveries {
    type Item = Result<Delivery>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Ended) {
                State::New(consumer) => match begin(*consumer) {
                    Ok(running) => running,
                    Err(error) => return Poll::Ready(Some(Err(error))),
                },
                running => running,
            };
            let State::Running {
                shared,
                intake,
                asked,
            } = &mut self.state
            else {
                return Poll::Ready(None);
            };
            let answer = asked.get_or_insert_with(|| intake.ask());
            match ready!(Pin::new(answer).poll(context)) {
                Ok(Fresh { message, stake }) => {
                    *asked = None;
                    // A claim that was lost on the way here has nothing to yield.
                    if let Some(delivery) = Delivery::start(message, stake) {
                        return Poll::Ready(Some(Ok(delivery)));
                    }
                }
                Err(_) => {
                    let failure = shared.failure();
                    self.state = State::Ended;
                    return Poll::Ready(failure.map(Err));
                }
            }
        }
    }
}

fn begin(consumer: Consumer) -> Result<State> {
    let (shared, until) = consumer.start()?;
    let (pump, intake) = Pump::new(&shared, until);
    tokio::spawn(pump.run());
    Ok(State::Running {
        shared,
        intake,
        asked: None,
    })
}

impl fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::New(_) => "new",
            State::Running { .. } => "running",
            State::Ended => "ended",
        };
        f.debug_struct("Deliveries").field("state", &state).finish()
    }
}

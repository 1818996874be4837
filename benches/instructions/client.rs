//! What a call costs the program that makes it: the library, redis-rs and tokio below it, and serde.
//!
//! Guards that this is what users pay: the public API, on a server that really runs, whose own work
//! is not counted. One thread, so that nothing depends on who comes first.

use std::error::Error;
use std::hint::black_box;

use serde::{Deserialize, Serialize};

use marconi_redis::{NewMessage, Queue, Store};

/// The function below, as valgrind names it.
pub const MARK: &str = "*instructions_mark*";

/// Bytes of text in a body.
const SMALL: usize = 100;
const LARGE: usize = 64 * 1024;

/// A case, how many messages it has and of what size.
pub const CASES: &[(&str, usize, usize)] = &[
    ("nothing", 0, 0),
    ("yardstick", 0, SMALL),
    ("post 1 of 100 B", 1, SMALL),
    ("post 10 of 100 B", 10, SMALL),
    ("claim 10 of 100 B", 10, SMALL),
    ("post 1 of 64 KiB", 1, LARGE),
    ("post 10 of 64 KiB", 10, LARGE),
    ("claim 10 of 64 KiB", 10, LARGE),
];

/// Rounds, of which the median counts.
pub const ROUNDS: usize = 7;
/// Calls of each case in a round.
pub const CALLS: usize = 10;

#[derive(Serialize, Deserialize)]
struct Order {
    number: u64,
    article: String,
}

type Done = Result<(), Box<dyn Error>>;

/// Runs all cases, with a mark before and after each.
pub fn run(url: &str) -> Done {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(url))
}

/// Here callgrind writes down what it has counted.
#[inline(never)]
fn instructions_mark() {
    black_box(());
}

async fn measure(url: &str) -> Done {
    let store = Store::connect(url).await?;
    let queue = store.queue("bench", "client")?;
    queue.create().await?;
    let client = redis::Client::open(url)?;
    let mut bare = client.get_multiplexed_async_connection().await?;
    for _ in 0..ROUNDS {
        for (case, many, bytes) in CASES {
            let order = Order {
                number: 17,
                article: "x".repeat(*bytes),
            };
            if case.starts_with("claim") {
                for _ in 0..CALLS {
                    post(&queue, *many, &order).await?;
                }
            }
            let calls = if *case == "nothing" { 0 } else { CALLS };
            instructions_mark();
            for _ in 0..calls {
                match case.split(' ').next() {
                    Some("post") => post(&queue, *many, &order).await?,
                    Some("claim") => claim(&queue, *many).await?,
                    _ => bare_call(&mut bare, &order).await?,
                }
            }
            instructions_mark();
            // What the next claims find is of their own case.
            queue.purge().await?;
        }
    }
    Ok(())
}

async fn post(queue: &Queue, many: usize, order: &Order) -> Done {
    if many == 1 {
        queue.post(order).await?;
        return Ok(());
    }
    let messages: Result<Vec<_>, _> = (0..many).map(|_| NewMessage::new(order)).collect();
    queue.post_many(messages?).await?;
    Ok(())
}

async fn claim(queue: &Queue, many: usize) -> Done {
    let claim = queue.claim().limit(many).await?.ok_or("nothing to claim")?;
    assert_eq!(claim.messages().len(), many);
    for message in claim.messages() {
        black_box(message.body::<Order>()?);
    }
    Ok(())
}

/// What stands for tokio, redis-rs and the compiler: a call without this library.
async fn bare_call(connection: &mut redis::aio::MultiplexedConnection, order: &Order) -> Done {
    let mut echo = redis::cmd("ECHO");
    echo.arg(black_box(&order.article));
    black_box(echo.query_async::<String>(connection).await?);
    Ok(())
}

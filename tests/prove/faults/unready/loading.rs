//! A server that loads what it has on disk, slowly.
//!
//! Guards that who has no time is told that nothing was done, and who has is answered when it is ready.

use std::path::Path;
use std::time::{Duration, Instant};

use marconi_redis::Outcome;
use tokio::runtime::Runtime;

use super::{PATIENCE, refusal, store};
use crate::client::{Connection, Reply};
use crate::common::{self, Server};
use crate::faults::tally::Tally;
use crate::rng::Rng;

/// A pause for each key that is loaded, in µs; others are answered every so many bytes meanwhile, before 7.0 every 2 MiB.
fn options() -> Vec<&'static str> {
    let mut options = vec!["--key-load-delay", "400"];
    if common::version() >= (7, 0) {
        options.extend(["--loading-process-events-interval-bytes", "1024"]);
    }
    options
}

pub fn run(runtime: &Runtime, seed: u64, rounds: u32, tally: &mut Tally) {
    let mut rng = Rng::of_stream(seed, 0x6c6f_6164);
    let mut server = Server::start(&options());
    let mut line = Connection::open(&server.socket()).expect("the server");
    // Keys of another program, so that it takes a while.
    let fill = "for i = 1, 2000 do redis.call('SET', 'other:' .. i, string.rep(i .. '|', 800)) end";
    line.command(&["CONFIG", "SET", "rdbcompression", "no"]);
    line.command(&["EVAL", fill, "0"]);
    for n in 0..rounds {
        let url = server.url();
        let queue = store(&url, PATIENCE)
            .queue("p", &n.to_string())
            .expect("a name");
        let total = rng.between(5, 20);
        runtime.block_on(async {
            for body in 0..total {
                queue.post(&body).await.expect("a post");
            }
        });
        Connection::open(&server.socket())
            .expect("the server")
            .command(&["SAVE"]);
        server.kill();
        let socket = server.socket();
        std::thread::scope(|scope| {
            let restart = scope.spawn(|| server.restart());
            let seen = until_loading(&socket);
            tally.add("LOADING and BUSY seen as they are", u64::from(seen));
            runtime.block_on(calls(&url, n, total, seen, tally));
            restart.join().expect("a server that starts");
        });
    }
}

/// Whether it was seen loading.
fn until_loading(socket: &Path) -> bool {
    let patience = Instant::now() + PATIENCE;
    let ping = vec![b"EXISTS".to_vec(), b"x".to_vec()];
    while Instant::now() < patience {
        let Ok(mut line) = Connection::open(socket) else {
            continue;
        };
        match line.ask(&ping) {
            Ok(Reply::Error(error)) => return error.starts_with("LOADING"),
            Ok(_) => return false,
            Err(_) => {}
        }
    }
    false
}

async fn calls(url: &str, n: u32, total: u64, seen: bool, tally: &mut Tally) {
    let name = n.to_string();
    let queue = store(url, PATIENCE).queue("p", &name).expect("a name");
    let impatient = store(url, Duration::from_millis(150))
        .queue("p", &name)
        .expect("a name");
    let refused = refusal(impatient.post("never")).await;
    // Ready before it was asked, or asked and silent: it may have come.
    let is_in_doubt = match refused {
        Some((Outcome::NotDone, word)) => {
            tally.add("refused while loading", u64::from(word == "LOADING"));
            tally.expect(
                word == "LOADING" || word == "no word",
                format!("{word} while loading"),
            );
            false
        }
        Some((Outcome::Unknown, _)) => true,
        None => true,
        Some(other) => {
            tally.expect(false, format!("{other:?} while loading"));
            true
        }
    };
    if is_in_doubt && !seen {
        return;
    }
    let done = tokio::join!(
        async { queue.post("x").await },
        async { queue.pop().limit(2).token("p").await },
        async { queue.claim().limit(2).await },
    );
    let (Ok(_), Ok(popped), Ok(Some(claim))) = &done else {
        return tally.expect(false, format!("not done after loading: {done:?}"));
    };
    let stats = queue.stats().await.expect("stats");
    let left = total + 1 - popped.len() as u64;
    let fits = stats.total == left && stats.claimed == claim.messages().len() as u64;
    tally.expect(
        fits || is_in_doubt,
        format!("{stats:?}, and {left} should be left"),
    );
    tally.add("done after loading", 3);
    let wrong = queue.check().await.expect("a check");
    tally.expect(wrong.is_empty(), format!("{wrong:?}"));
}

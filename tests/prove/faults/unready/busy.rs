//! A server on which another client's script runs long.
//!
//! Guards the same as while it loads; and that the script is ended by what this module does, or by itself.

use std::time::Duration;

use marconi_redis::Outcome;

use super::{PATIENCE, in_time, refusal, store};
use crate::client::{Connection, Reply};
use crate::common::Server;
use crate::faults::tally::Tally;
use crate::rng::Rng;

/// It ends by itself in any case.
const LONG: &str = "for _ = 1, tonumber(ARGV[1]) do end return 1";

pub async fn run(seed: u64, rounds: u32, tally: &mut Tally) {
    let mut rng = Rng::of_stream(seed, 0x6275_7379);
    let server = Server::start(&["--lua-time-limit", "5"]);
    let queue = store(&server.url(), PATIENCE)
        .queue("p", "q")
        .expect("a name");
    queue.post("first").await.expect("a post");
    for _ in 0..rounds {
        let mut script = Connection::open(&server.socket()).expect("the server");
        let mut other = Connection::open(&server.socket()).expect("the server");
        let long = ["EVAL", LONG, "0", "60000000"];
        let long = long.iter().map(|word| word.as_bytes().to_vec()).collect();
        script.send(std::slice::from_ref(&long)).expect("sent");
        tally.add(
            "LOADING and BUSY seen as they are",
            u64::from(is_busy(&mut other)),
        );
        let total = rng.between(1, 4);
        let url = server.url();
        let impatient = store(&url, Duration::from_millis(100))
            .queue("p", "q")
            .expect("a name");
        let refused = refusal(impatient.post("never")).await;
        let is_done = match refused {
            Some((Outcome::NotDone, word)) => {
                tally.add("refused while busy", u64::from(word == "BUSY"));
                tally.expect(
                    word == "BUSY" || word == "no word",
                    format!("{word} while busy"),
                );
                0
            }
            // Sent before the server said that it is busy, and given up: it may be done then.
            Some((Outcome::Unknown, _)) => 2,
            Some(other) => {
                tally.expect(false, format!("{other:?} while busy"));
                0
            }
            None => 1,
        };
        if rng.percent(50) {
            let kill = vec![b"SCRIPT".to_vec(), b"KILL".to_vec()];
            let killed = other.ask(&kill).expect("an answer");
            tally.add(
                "scripts that were killed",
                u64::from(matches!(killed, Reply::Bytes(_))),
            );
        }
        let bodies = (0..total).map(|n| marconi_redis::NewMessage::new(&n).expect("a number"));
        let post = queue.post_many(bodies.collect::<Vec<_>>());
        let done =
            in_time(async { tokio::join!(async { post.await }, async { queue.metadata().await }) });
        let Some((Ok(ids), Ok(_))) = done.await else {
            tally.expect(false, "not done after it was busy");
            continue;
        };
        tally.add("done after it was busy", 2);
        let popped = queue.pop().limit(250).await.expect("a pop");
        let here = popped.iter().filter(|m| ids.contains(&m.id())).count() as u64;
        let nevers = popped
            .iter()
            .filter(|m| m.body::<String>().is_ok_and(|b| b == "never"))
            .count();
        tally.expect(
            here == total,
            format!("{here} of {total} posted while busy"),
        );
        let fits = is_done == 2 || nevers == is_done;
        tally.expect(
            fits,
            format!("{nevers} of a post that was done {is_done} times"),
        );
        queue.post("first").await.expect("a post");
    }
    let wrong = queue.check().await.expect("a check");
    tally.expect(wrong.is_empty(), format!("{wrong:?}"));
}

/// Whether it said so, before it was over.
fn is_busy(line: &mut Connection) -> bool {
    let exists = vec![b"EXISTS".to_vec(), b"x".to_vec()];
    matches!(line.ask(&exists), Ok(Reply::Error(error)) if error.starts_with("BUSY"))
}

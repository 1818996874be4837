//! One task that writes under durability, and what it was told of each of its writes.
//!
//! Guards the account: a message is known by its body, which no other has; what was told last of it stands.

use std::time::Duration;

use marconi_redis::{ClaimId, Durability, Error, NewMessage, Outcome, Queue, Store};
use tokio_util::sync::CancellationToken;

use crate::rng::Rng;

pub const PROJECT: &str = "proof";
pub const QUEUE: &str = "orders";

/// What a write was said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    Acknowledged,
    Unknown,
    NotDone,
}

/// A post under a token of its own.
pub struct Sent {
    pub token: String,
    pub bodies: Vec<String>,
    pub said: Said,
}

/// What a writer was told.
#[derive(Default)]
pub struct Told {
    pub posts: Vec<Sent>,
    /// The bodies of what was to be deleted.
    pub deletions: Vec<(String, Said)>,
    /// Claims that were acknowledged and left as they are: id, fence, how many messages.
    pub claims: Vec<(ClaimId, u64, usize)>,
    pub unconfirmed: u64,
    pub lost: u64,
    pub repeated: u64,
    /// Errors that are neither.
    pub refused: Vec<String>,
}

/// Writes until it is stopped.
pub struct Writer {
    pub name: String,
    pub url: String,
    pub durability: Durability,
    pub rng: Rng,
    pub told: Told,
}

/// A new connection, or none at once: it dials when it first writes.
fn queue_at(url: &str, durability: Durability) -> Queue {
    let builder = Store::builder().deadline(Duration::from_millis(800));
    let store = builder.open(url).expect("the server's own url");
    let store = store
        .with_durability(durability)
        .expect("something asked for");
    store.queue(PROJECT, QUEUE).expect("good names")
}

/// The message of a post, made again for each repeat.
pub fn messages(bodies: &[String]) -> Vec<NewMessage> {
    let message = |body: &String| NewMessage::new(body).expect("a text");
    bodies.iter().map(message).collect()
}

impl Writer {
    pub async fn run(mut self, stop: CancellationToken) -> Told {
        let queue = queue_at(&self.url, self.durability);
        for number in 0.. {
            if stop.is_cancelled() {
                break;
            }
            match self.rng.below(100) {
                0..70 => self.post(&queue, number, &stop).await,
                70..92 => self.claim_and_delete(&queue).await,
                _ => self.claim_and_keep(&queue).await,
            }
        }
        self.told
    }

    async fn post(&mut self, queue: &Queue, number: u64, stop: &CancellationToken) {
        let count = match self.rng.percent(80) {
            true => 1,
            false => self.rng.between(2, 12),
        };
        let token = format!("{}-{number}", self.name);
        let bodies: Vec<_> = (0..count).map(|at| format!("{token}-{at}")).collect();
        let post = queue.post_many(messages(&bodies)).token(&token).await;
        let mut said = self.noted(&post);
        for _ in 0..2 {
            if said != Said::Unknown || stop.is_cancelled() || !self.rng.percent(60) {
                break;
            }
            // On a connection that has written nothing: a repeat writes nothing itself.
            let fresh = queue_at(&self.url, self.durability);
            let again = fresh.post_many(messages(&bodies)).token(&token).await;
            // What was unknown once may be done, whatever becomes of the repeat.
            if self.noted(&again) == Said::Acknowledged {
                said = Said::Acknowledged;
                self.told.repeated += 1;
            }
        }
        self.told.posts.push(Sent {
            token,
            bodies,
            said,
        });
    }

    async fn claim_and_delete(&mut self, queue: &Queue) {
        let limit = self.rng.between(1, 6) as usize;
        let claimed = queue.claim().limit(limit).await;
        self.noted(&claimed);
        let Ok(Some(claim)) = claimed else { return };
        let body = |message: &marconi_redis::Message| message.body().expect("a text");
        let bodies: Vec<String> = claim.messages().iter().map(body).collect();
        let deleted = claim.delete_all().await;
        let said = self.noted(&deleted);
        let fates = bodies.into_iter().map(|body| (body, said));
        self.told.deletions.extend(fates);
    }

    async fn claim_and_keep(&mut self, queue: &Queue) {
        let claimed = queue.claim().limit(2).ttl(Duration::from_secs(600)).await;
        self.noted(&claimed);
        if let Ok(Some(claim)) = claimed {
            let kept = (claim.id(), claim.fence(), claim.messages().len());
            self.told.claims.push(kept);
        }
    }

    fn noted<T>(&mut self, result: &Result<T, Error>) -> Said {
        let Err(error) = result else {
            return Said::Acknowledged;
        };
        match (error, error.outcome()) {
            (Error::Unconfirmed { .. }, _) => self.told.unconfirmed += 1,
            (Error::Transport { .. }, Outcome::Unknown) => self.told.lost += 1,
            (Error::Transport { .. }, Outcome::NotDone) => {}
            _ => self.told.refused.push(error.to_string()),
        }
        match error.outcome() {
            Outcome::NotDone => Said::NotDone,
            _ => Said::Unknown,
        }
    }
}

//! A client on this crate.
//!
//! Guards nothing by itself: each call is made as a program would make it.

use std::path::Path;
use std::time::Duration;

use marconi_redis::{ClaimId, Error, Message, MessageId, NewMessage, Outcome as Effect};
use marconi_redis::{Queue, Result, Store};
use tokio::runtime::{Builder, Runtime};

use super::Client;
use crate::history::{Body, Call, Id, Outcome, Seen, Taken};
use crate::plan::{PROJECT, groups};

/// Longer than anything here takes: half of it is when claims would give up the order.
const DEADLINE: Duration = Duration::from_secs(60);

pub struct Library {
    runtime: Runtime,
    queues: Vec<Vec<Queue>>,
    faults: bool,
}

impl Library {
    pub fn connect(socket: &Path, faults: bool) -> Library {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let store = Store::builder().deadline(DEADLINE);
        let url = format!("unix://{}", socket.display());
        // Where connections may be cut at any time, the first may be.
        let store = if faults {
            store.open(&url)
        } else {
            runtime.block_on(store.connect(&url))
        };
        let store = store.expect("the server");
        let queue = |name| store.queue(PROJECT, name).expect("a good name");
        let queues = groups()
            .iter()
            .map(|group| group.iter().map(|rules| queue(rules.name)).collect())
            .collect();
        Library {
            runtime,
            queues,
            faults,
        }
    }
}

impl Client for Library {
    fn ask(
        &mut self,
        group: usize,
        queue: usize,
        who: u32,
        call: &Call,
        lose: Option<u64>,
    ) -> Outcome {
        let queue = self.queues[group][queue].clone();
        let faults = self.faults;
        self.runtime.block_on(async {
            let asked = ask(&queue, who, call);
            let Some(patience) = lose.map(Duration::from_micros) else {
                return answer(asked.await, faults);
            };
            match tokio::time::timeout(patience, asked).await {
                Ok(asked) => answer(asked, faults),
                // All calls go over one connection, in order: what is answered now comes after the lost one.
                Err(_) => match queue.exists().await {
                    Ok(_) => Outcome::Lost,
                    Err(error) => Outcome::Failed(error.to_string()),
                },
            }
        })
    }
}

fn answer(result: Result<Outcome>, faults: bool) -> Outcome {
    match result {
        Ok(outcome) => outcome,
        Err(Error::Transport {
            outcome, source, ..
        }) if faults && outcome == Effect::NotDone => Outcome::NotDone(source.to_string()),
        Err(Error::Transport { outcome, .. }) if faults && outcome == Effect::Unknown => {
            Outcome::Lost
        }
        Err(Error::Transport { .. } | Error::Codec { .. } | Error::Corrupt { .. }) => {
            Outcome::Failed(result.expect_err("an error").to_string())
        }
        Err(error) if error.outcome() == Effect::NotDone => Outcome::Refused {
            word: error.word().to_owned(),
            about: error.id().unwrap_or_default().to_owned(),
        },
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

async fn ask(queue: &Queue, who: u32, call: &Call) -> Result<Outcome> {
    match call {
        Call::Post { .. } => post(queue, who, call).await,
        Call::Claim { .. } => claim(queue, call).await,
        Call::Pop { limit, token, wait } => {
            let mut pop = queue.pop().limit(*limit);
            if let Some(token) = token {
                pop = pop.token(token);
            }
            if let Some(wait) = wait {
                pop = pop.wait(ms(*wait));
            }
            Ok(popped(&pop.await?))
        }
        Call::Get { claim } => {
            let claim = queue.get_claim(claim.parse()?).await?;
            Ok(claimed(claim.lease(), claim.messages()))
        }
        Call::Renew { claim, ttl, grace } => {
            let lease = queue.renew(claim.parse()?, ms(*ttl), ms(*grace)).await?;
            Ok(Outcome::Renewed {
                now: lease.now.as_millis(),
                fence: lease.fence,
                deadline: lease.deadline.as_millis(),
            })
        }
        Call::Release { claim, untried } => {
            let release = queue.release(claim.parse()?).untried(*untried);
            release.await.map(Outcome::Done)
        }
        Call::Nack {
            claim,
            ids,
            delay,
            untried,
        } => {
            let nack = queue.nack(claim.parse()?, ids.iter().map(message_id));
            let nack = nack.delay(ms(*delay)).untried(*untried);
            nack.await.map(Outcome::Done)
        }
        Call::Delete { claim, ids } => {
            let mut delete = queue.delete_many(ids.iter().map(message_id));
            if let Some(claim) = claim {
                delete = delete.claim(claim.parse()?);
            }
            delete.await.map(Outcome::Done)
        }
        Call::List { limit } => {
            let page = queue.list().claimed(true).delayed(true).limit(*limit);
            Ok(Outcome::Page(
                page.await?.messages.iter().map(seen).collect(),
            ))
        }
        Call::Stats => {
            let stats = queue.stats().await?;
            let end = |end: Option<marconi_redis::End>| end.map(|end| id_of(end.id));
            Ok(Outcome::Counted {
                free: stats.free,
                claimed: stats.claimed,
                delayed: stats.delayed,
                total: stats.total,
                dead: stats.dead,
                oldest: end(stats.oldest),
                newest: end(stats.newest),
            })
        }
    }
}

async fn post(queue: &Queue, who: u32, call: &Call) -> Result<Outcome> {
    let Call::Post {
        stem,
        count,
        ttl,
        delay,
        token,
    } = call
    else {
        unreachable!("a post")
    };
    let bodies = (0..*count).map(|place| Body(who, *stem, place).text());
    let messages: Result<Vec<_>> = bodies.map(|body| NewMessage::new(&body)).collect();
    let mut post = queue.post_many(messages?);
    if let Some(ttl) = ttl {
        post = post.ttl(ms(*ttl));
    }
    if let Some(delay) = delay {
        post = post.delay(ms(*delay));
    }
    if let Some(token) = token {
        post = post.token(token);
    }
    let ids = post.await?;
    Ok(Outcome::Posted(ids.into_iter().map(id_of).collect()))
}

async fn claim(queue: &Queue, call: &Call) -> Result<Outcome> {
    let Call::Claim {
        claim,
        ttl,
        grace,
        limit,
        wait,
    } = call
    else {
        unreachable!("a claim")
    };
    let id: ClaimId = claim.parse()?;
    let create = queue.claim().id(id).ttl(ms(*ttl)).grace(ms(*grace));
    let mut create = create.limit(*limit).worker("prove");
    if let Some(wait) = wait {
        create = create.wait(ms(*wait));
    }
    let made = create.await?;
    Ok(made.map_or(Outcome::Nothing, |claim| {
        claimed(claim.lease(), claim.messages())
    }))
}

fn claimed(lease: &marconi_redis::Lease, messages: &[Message]) -> Outcome {
    Outcome::Claimed {
        now: lease.now.as_millis(),
        fence: lease.fence,
        deadline: lease.deadline.as_millis(),
        messages: messages.iter().map(taken).collect(),
    }
}

/// The pop's `now` is not handed on; a message's age says it.
fn popped(messages: &[Message]) -> Outcome {
    let Some(first) = messages.first() else {
        return Outcome::Nothing;
    };
    Outcome::Popped {
        now: first.id().posted().as_millis() + first.age().as_millis() as u64,
        messages: messages.iter().map(taken).collect(),
    }
}

fn taken(message: &Message) -> Taken {
    Taken {
        id: id_of(message.id()),
        claims: message.claims(),
        ttl: message.ttl().as_millis() as u64,
        body: body_of(message),
    }
}

fn seen(message: &Message) -> Seen {
    Seen {
        id: id_of(message.id()),
        claim: message.claimed_by().map(|claim| claim.to_string()),
        body: body_of(message),
    }
}

pub fn body_of(message: &Message) -> Body {
    let text = message.body::<String>();
    text.map_or(Body::FOREIGN, |text| Body::parse(&text))
}

fn id_of(id: MessageId) -> Id {
    Id::parse(&id.to_string()).expect("an id")
}

fn message_id(id: &Id) -> MessageId {
    id.to_string().parse().expect("an id")
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

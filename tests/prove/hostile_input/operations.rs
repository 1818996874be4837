//! Every operation of the library, with arguments that are good or odd, as the dice fall.
//!
//! Guards that none is left out of what is tried, and that what comes back can be looked at: messages by id and body.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use marconi_redis::keys::QueuePath;
use marconi_redis::{
    ClaimId, ControlKind, Message, MessageId, Metadata, NewMessage, Order, PooledStore, Queue,
    Result, Store, SubscriptionId, Topic,
};

use super::bytes;
use super::control::SUBSCRIBER;
use super::rig::{LIVE, NEW, OTHER};
use crate::rng::Rng;

/// What an operation is done with.
#[derive(Clone)]
pub struct Hands {
    pub store: Store,
    pub queue: Queue,
    pub topic: Topic,
    pub ids: Arc<BTreeMap<&'static str, String>>,
}

/// What an operation answered.
#[derive(Default, Debug, Clone, PartialEq)]
pub struct Seen {
    /// By id, with what the library takes for the body.
    pub messages: Vec<(String, Vec<u8>)>,
    /// Everything else, as it shows.
    pub text: String,
}

type Run = fn(Hands, Rng) -> Pin<Box<dyn Future<Output = Result<Seen>> + Send>>;

pub struct Operation {
    pub name: &'static str,
    pub run: Run,
    /// One call of one script that can't answer MORE: not done means that nothing was changed.
    pub is_one_step: bool,
}

fn seen(messages: &[Message], text: impl std::fmt::Debug) -> Seen {
    let body = |message: &Message| (message.id().to_string(), message.raw_body().to_vec());
    // Reads what there is to read, in every message.
    let whole = |message: &Message| {
        let body = message.body::<serde::de::IgnoredAny>().is_ok();
        let origin = message
            .origin()
            .map(|origin| (origin.queue(), origin.clone()));
        format!(
            "{message:?} {body} {origin:?} {:?} {} ",
            message.client(),
            message.redriven()
        )
    };
    let mut all: String = messages.iter().map(whole).collect();
    all.push_str(&format!("{text:?}"));
    Seen {
        messages: messages.iter().map(body).collect(),
        text: all,
    }
}

fn shown(text: impl std::fmt::Debug) -> Result<Seen> {
    Ok(seen(&[], text))
}

impl Hands {
    fn id(&self, rng: &mut Rng) -> MessageId {
        let texts: Vec<&String> = self.ids.values().collect();
        let known = (!texts.is_empty()).then(|| texts[rng.below(texts.len())].parse().ok());
        match known.flatten() {
            Some(id) if rng.percent(80) => id,
            _ => format!(
                "{}-{}",
                rng.next() >> rng.below(64),
                rng.next() >> rng.below(64)
            )
            .parse()
            .expect("an id"),
        }
    }

    fn named(&self, name: &str, rng: &mut Rng) -> MessageId {
        let known = self.ids.get(name).and_then(|id| id.parse().ok());
        known.unwrap_or_else(|| self.id(rng))
    }

    fn some(&self, rng: &mut Rng) -> Vec<MessageId> {
        (0..[1, 1, 2, 3, 251][rng.below(5)])
            .map(|_| self.id(rng))
            .collect()
    }

    fn subscription(&self, rng: &mut Rng) -> SubscriptionId {
        let known = self.ids.get("subscription").and_then(|id| id.parse().ok());
        known.unwrap_or_else(|| self.id(rng).to_string().parse().expect("an id"))
    }
}

fn claim(rng: &mut Rng) -> ClaimId {
    let known = [LIVE, LIVE, OTHER, NEW][rng.below(4)];
    let text = if rng.percent(80) {
        known.to_owned()
    } else {
        rng.uuid()
    };
    text.parse().expect("a UUID")
}

fn limit(rng: &mut Rng) -> usize {
    [1, 2, 10, 10, 250, 0, 251, 1001, usize::MAX][rng.below(9)]
}

fn time(rng: &mut Rng) -> Duration {
    let times = [1, 1000, 60_000, 0, 315_360_000_000, 315_360_000_001];
    match rng.below(8) {
        0 => Duration::MAX,
        1 => Duration::from_nanos(1),
        _ => Duration::from_millis(times[rng.below(times.len())]),
    }
}

fn text(rng: &mut Rng) -> String {
    match rng.below(3) {
        0 => bytes::text(rng),
        1 => "one more token".to_owned(),
        _ => "gold".to_owned(),
    }
}

fn path(rng: &mut Rng) -> QueuePath {
    QueuePath::new("p", &text(rng))
        .unwrap_or_else(|_| QueuePath::new("p", "mapped").expect("a good name"))
}

fn name(rng: &mut Rng) -> &'static str {
    rng.pick(&["plain", "fast", "faster", "gold", "mapped", "nobody"])
}

fn metadata(rng: &mut Rng) -> Metadata {
    let name = [
        "n",
        "_max_claim_count",
        "_default_message_ttl",
        "_dead_letter_queue",
        "_nothing",
    ][rng.below(5)];
    let text = bytes::text(rng);
    let made = match rng.below(3) {
        0 => Metadata::new().with(name, &text),
        1 => Metadata::new().with(name, &rng.next()),
        _ => Metadata::new().with(&text, &vec![1, 2, 3]),
    };
    made.unwrap_or_default()
}

/// Over pools where nobody answers, which is to be told soon.
fn pools(store: &Store) -> PooledStore {
    PooledStore::over(&store.with_deadline(Duration::from_millis(40)))
}

macro_rules! operations {
    ($($name:literal $one_step:literal |$h:ident, $r:ident| $body:expr;)*) => {
        /// Every one.
        pub const ALL: &[Operation] = &[$(Operation {
            name: $name,
            run: |$h: Hands, #[allow(unused_mut, unused_variables)] mut $r: Rng| Box::pin(async move { $body }),
            is_one_step: $one_step,
        }),*];
    };
}

operations! {
    "create queue" false |h, r| shown(h.queue.create().metadata(metadata(&mut r)).await?);
    "queue exists" true |h, r| shown(h.queue.exists().await?);
    "metadata" true |h, r| shown(h.queue.metadata().await?);
    "set metadata" false |h, r| shown(h.queue.set_metadata(&metadata(&mut r)).await?);
    "purge" false |h, r| shown(h.queue.purge().await?);
    "delete queue" false |h, r| shown(h.queue.delete().await?);
    "stats" false |h, r| shown(h.queue.stats().await?);
    "post" false |h, r| {
        let mut post = h.queue.post(&text(&mut r));
        if r.percent(30) { post = post.ttl(time(&mut r)); }
        if r.percent(30) { post = post.delay(time(&mut r)); }
        if r.percent(50) { post = post.token(text(&mut r)); }
        if r.percent(30) { post = post.client(bytes::text(&mut r)); }
        shown(post.await?)
    };
    "post many" false |h, r| {
        let body = bytes::envelope(&mut r);
        let odd = NewMessage::from_msgpack(&body).or_else(|_| NewMessage::new("a body"))?;
        let many = [1, 2, 3, 250, 251, 0][r.below(6)];
        let messages = std::iter::repeat_n(odd, many);
        shown(h.queue.post_many(messages).await?.len())
    };
    "list" true |h, r| {
        let mut list = h.queue.list().limit(limit(&mut r)).claimed(r.percent(50)).delayed(r.percent(50));
        if r.percent(40) { list = list.marker(h.id(&mut r)); }
        if r.percent(20) { list = list.not_client(bytes::text(&mut r)); }
        let page = list.await?;
        Ok(seen(&page.messages, page.marker))
    };
    "get" true |h, r| Ok(seen(&[h.queue.get(h.id(&mut r)).await?], ()));
    "get many" true |h, r| Ok(seen(&h.queue.get_many(h.some(&mut r)).await?, ()));
    "first" true |h, r| {
        let order = if r.percent(50) { Order::Oldest } else { Order::Newest };
        Ok(seen(h.queue.first(order).await?.as_slice(), ()))
    };
    "pop" false |h, r| {
        let mut pop = h.queue.pop().limit(limit(&mut r));
        if r.percent(50) { pop = pop.token(text(&mut r)); }
        Ok(seen(&pop.await?, ()))
    };
    "delete one" true |h, r| shown(h.queue.delete_one(h.id(&mut r)).await?);
    "delete many" true |h, r| shown(h.queue.delete_many(h.some(&mut r)).claim(claim(&mut r)).await?);
    "claim" false |h, r| {
        let mut create = h.queue.claim().limit(limit(&mut r)).id(claim(&mut r));
        if r.percent(30) { create = create.ttl(time(&mut r)); }
        if r.percent(30) { create = create.grace(time(&mut r)); }
        if r.percent(30) { create = create.worker(bytes::text(&mut r)); }
        let claim = create.await?;
        Ok(seen(claim.as_ref().map_or(&[][..], |claim| claim.messages()), claim.as_ref().map(|claim| (claim.fence(), claim.ttl(), claim.worker().map(str::to_owned)))))
    };
    "get claim" true |h, r| {
        let claim = h.queue.get_claim(claim(&mut r)).await?;
        Ok(seen(claim.messages(), (claim.fence(), claim.ttl(), claim.age(), claim.grace())))
    };
    "renew" true |h, r| shown(h.queue.renew(claim(&mut r), time(&mut r), time(&mut r)).await?);
    "release" true |h, r| shown(h.queue.release(claim(&mut r)).untried(r.percent(50)).await?);
    "nack" true |h, r| {
        let ids = match r.percent(50) { true => vec![h.named("held", &mut r)], false => h.some(&mut r) };
        shown(h.queue.nack(claim(&mut r), ids).delay(time(&mut r)).await?)
    };
    "gc of a queue" false |h, r| shown(h.queue.gc().await?);
    "carry dead letters" false |h, r| shown(h.queue.carry_dead_letters().await?);
    "check" true |h, r| shown(h.queue.check().await?);
    "repair" false |h, r| shown(h.queue.repair().await?);
    "repair topic" false |h, r| shown(h.topic.repair().await?);
    "list letters" true |h, r| {
        let page = h.queue.dead_letters().list().limit(limit(&mut r)).await?;
        Ok(seen(&page.messages, page.marker))
    };
    "get letter" true |h, r| Ok(seen(&[h.queue.dead_letters().get(h.named("kept letter", &mut r)).await?], ()));
    "get letters" true |h, r| Ok(seen(&h.queue.dead_letters().get_many(h.some(&mut r)).await?, ()));
    "purge letters" true |h, r| shown(h.queue.dead_letters().purge(h.some(&mut r)).await?);
    "purge all letters" false |h, r| shown(h.queue.dead_letters().purge_all().await?);
    "redrive" false |h, r| {
        let id = h.named("kept letter", &mut r);
        shown(h.queue.dead_letters().redrive([id]).to(text(&mut r)).await?)
    };
    "redrive all" false |h, r| shown(h.queue.dead_letters().redrive_all().await?);
    "send back" false |h, r| {
        let id = h.named("arrived letter", &mut r);
        shown(h.queue.send_back([id]).await?)
    };
    "send all back" false |h, r| shown(h.queue.send_back_all().await?);
    "letters in transit" true |h, r| {
        let page = h.queue.letters_in_transit().limit(limit(&mut r)).await?;
        let letters = page.letters.iter().map(|letter| (letter.id().to_string(), letter.raw_body().to_vec()));
        let text = format!("{:?} {:?}", page.marker, page.letters.iter().map(|letter| letter.to()).collect::<Vec<_>>());
        Ok(Seen { messages: letters.collect(), text })
    };
    "subscribe" true |h, r| {
        let subscriber = match r.percent(50) { true => SUBSCRIBER.to_owned(), false => bytes::text(&mut r) };
        shown(h.queue.subscribe(&subscriber).ttl(time(&mut r)).await?)
    };
    "subscriptions" true |h, r| {
        let page = h.queue.subscriptions().limit(limit(&mut r)).await?;
        shown((page.subscriptions.len(), page.subscriptions, page.marker))
    };
    "subscription" true |h, r| shown(h.queue.subscription(h.subscription(&mut r)).await?);
    "subscription of" true |h, r| shown(h.queue.subscription_of(SUBSCRIBER).await?);
    "update subscription" true |h, r| {
        let update = h.queue.update_subscription(h.subscription(&mut r));
        shown(update.ttl(time(&mut r)).options(&BTreeMap::from([(1, 2)])).await?)
    };
    "confirm subscription" true |h, r| shown(h.queue.confirm_subscription(h.subscription(&mut r), true).await?);
    "delete subscription" true |h, r| shown(h.queue.delete_subscription(h.subscription(&mut r)).await?);
    "create topic" false |h, r| shown(h.topic.create().metadata(metadata(&mut r)).await?);
    "list topic" true |h, r| {
        let page = h.topic.list().limit(limit(&mut r)).await?;
        Ok(seen(&page.messages, page.marker))
    };
    "post to topic" false |h, r| shown(h.topic.post(&text(&mut r)).token(text(&mut r)).await?);
    "stats of topic" false |h, r| shown(h.topic.stats().await?);
    "delete topic" false |h, r| shown(h.topic.delete().await?);
    "topics" false |h, r| shown(h.store.topics("p")?.limit(limit(&mut r)).with_metadata().await?);
    "queues" false |h, r| {
        let queues = h.store.queues("p")?.limit(limit(&mut r)).with_metadata().metadata_is("n", &1);
        shown(queues.name_contains(&bytes::text(&mut r)).await?)
    };
    "count queues" false |h, r| shown(h.store.count("p").await?);
    "projects" false |h, r| shown(h.store.projects().limit(limit(&mut r)).await?);
    "carry for a project" false |h, r| shown(h.store.carry_dead_letters("p").await?);
    "gc of a project" false |h, r| shown(h.store.gc("p").await?);
    "volume" false |h, r| shown(h.store.volume().await?);
    "health" false |h, r| {
        let health = h.store.health().await;
        if !health.is_good() && let Some(error) = health.operations.into_iter().find_map(|tried| tried.error) {
            return Err(error);
        }
        shown(health.volume?)
    };
    "is alive" false |h, r| shown(h.store.is_alive().await);
    "create pool" true |h, r| {
        shown(h.store.control().create_pool(name(&mut r), r.next() as u32, &bytes::text(&mut r)).flavor(&text(&mut r)).options(&metadata(&mut r)).await?)
    };
    "update pool" true |h, r| shown(h.store.control().update_pool(name(&mut r)).weight(7).uri(&bytes::text(&mut r)).await?);
    "pool" true |h, r| shown(h.store.control().pool(name(&mut r)).await?);
    "pools" true |h, r| shown(h.store.control().pools().limit(limit(&mut r)).marker(bytes::text(&mut r)).await?);
    "delete pool" true |h, r| shown(h.store.control().delete_pool(name(&mut r)).await?);
    "create flavor" true |h, r| shown(h.store.control().create_flavor("p", &text(&mut r), &metadata(&mut r)).await?);
    "update flavor" true |h, r| shown(h.store.control().update_flavor("p", name(&mut r), &metadata(&mut r)).await?);
    "flavor" true |h, r| shown(h.store.control().flavor("p", name(&mut r)).await?);
    "flavors" true |h, r| shown(h.store.control().flavors("p")?.limit(limit(&mut r)).await?);
    "delete flavor" true |h, r| shown(h.store.control().delete_flavor("p", name(&mut r)).await?);
    "register" true |h, r| shown(h.store.control().register(&path(&mut r), None).await?.1);
    "placement" true |h, r| shown(h.store.control().placement(&path(&mut r)).await?);
    "place" true |h, r| shown(h.store.control().place(&path(&mut r), name(&mut r)).await?);
    "unplace" true |h, r| shown(h.store.control().unplace(&path(&mut r), name(&mut r)).await?);
    "catalogue" true |h, r| shown(h.store.control().catalogue("p")?.limit(limit(&mut r)).await?);
    "check control" false |h, r| shown(h.store.control().check().await?);
    "drop all" false |h, r| shown(h.store.control().drop_all(ControlKind::Catalogue).await?);
    "queue of a pool" false |h, r| shown(pools(&h.store).queue("p", "mapped").await?.path());
    "queues of pools" false |h, r| shown(pools(&h.store).queues("p")?.limit(limit(&mut r)).await?);
    "scripts" false |h, r| shown(h.store.scripts().await?.len());
}

//! Subscriptions.

use std::collections::BTreeMap;

use marconi_redis::keys::Part;
use marconi_redis::{Outcome, Store, SubscriptionId};

use crate::common::Server;
use crate::stage::{START, Stage, ms, word};

const HOOK: &str = "https://shop.example/hook";

pub async fn subscribe(stage: &Stage, at: u64, subscriber: &str) -> SubscriptionId {
    let subscribed = stage.at(at).subscribe(subscriber).ttl(ms(1_000)).await;
    subscribed.unwrap().id
}

#[tokio::test]
async fn a_subscription_is_shown_as_it_was_made() {
    let stage = Stage::new().await;
    let options = BTreeMap::from([("_flavor", 7), ("push_retries", 3)]);
    let made = stage.at(0).subscribe(HOOK).ttl(ms(500)).options(&options);
    let made = made.await.unwrap();
    assert!(made.is_new);
    assert_eq!(made.id.to_string(), format!("{START}-0"));
    let shown = stage.at(200).subscription(made.id).await.unwrap();
    assert_eq!((shown.id, shown.subscriber.as_str()), (made.id, HOOK));
    assert_eq!(
        (shown.ttl, shown.age, shown.left),
        (ms(500), ms(200), ms(300))
    );
    assert!(!shown.confirmed);
    // No name is reserved in there, whatever its value.
    assert_eq!(
        shown.options.to_map::<BTreeMap<String, u64>>().unwrap(),
        BTreeMap::from([("_flavor".into(), 7), ("push_retries".into(), 3)])
    );
    // Nobody made the queue.
    assert!(!stage.at(200).exists().await.unwrap());
    assert!(!format!("{shown:?}").contains("shop.example"), "{shown:?}");
}

#[tokio::test]
async fn a_subscription_lives_for_an_hour_unless_it_says_so() {
    let stage = Stage::new().await;
    let made = stage.at(0).subscribe(HOOK).await.unwrap();
    let shown = stage.at(0).subscription(made.id).await.unwrap();
    assert_eq!(shown.ttl, ms(3_600_000));
    assert!(shown.options.is_empty());
}

#[tokio::test]
async fn a_subscriber_is_there_once_in_a_queue() {
    let stage = Stage::new().await;
    let id = subscribe(&stage, 0, HOOK).await;
    let options = BTreeMap::from([("a", 1)]);
    let again = stage.at(10).subscribe(HOOK).ttl(ms(9)).options(&options);
    let again = again.await.unwrap();
    assert_eq!((again.id, again.is_new), (id, false));
    let shown = stage.at(10).subscription(id).await.unwrap();
    assert_eq!((shown.ttl, shown.options.is_empty()), (ms(1_000), true));
    // Another queue is another matter.
    let other = stage.named("other", 0).subscribe(HOOK).await.unwrap();
    assert!(other.is_new);
}

#[tokio::test]
async fn a_subscription_is_gone_at_its_deadline() {
    let stage = Stage::new().await;
    let id = subscribe(&stage, 0, HOOK).await;
    let at = |at| stage.at(at);
    assert!(at(999).subscription(id).await.is_ok());
    assert_eq!(word(at(1_000).subscription(id).await), "SUBSCRIPTIONGONE");
    assert_eq!(at(1_000).subscription_of(HOOK).await.unwrap(), None);
    let page = at(1_000).subscriptions().await.unwrap();
    assert_eq!((page.subscriptions.len(), page.marker), (0, None));
    let confirmed = at(1_000).confirm_subscription(id, true).await;
    assert_eq!(word(confirmed), "SUBSCRIPTIONGONE");
    let updated = at(1_000).update_subscription(id).ttl(ms(5)).await;
    assert_eq!(word(updated), "SUBSCRIPTIONGONE");
    assert!(!at(1_000).delete_subscription(id).await.unwrap());
    let made = at(1_000).subscribe(HOOK).await.unwrap();
    assert!(made.is_new && made.id > id, "{made:?}");
}

#[tokio::test]
async fn a_subscription_is_found_by_its_subscriber_and_by_nothing_else() {
    let stage = Stage::new().await;
    let id = subscribe(&stage, 0, HOOK).await;
    let found = stage.at(1).subscription_of(HOOK).await.unwrap();
    assert_eq!(found.map(|found| found.id), Some(id));
    assert_eq!(stage.at(1).subscription_of("x").await.unwrap(), None);
    // A subscriber that looks like an id is none.
    let of_id = stage.at(1).subscription_of(&id.to_string()).await;
    assert_eq!(of_id.unwrap(), None);
    assert_eq!(stage.at(1).subscription_of("").await.unwrap(), None);
}

#[tokio::test]
async fn the_empty_subscriber_is_one_like_any_other() {
    let stage = Stage::new().await;
    let id = subscribe(&stage, 0, "").await;
    let again = stage.at(1).subscribe("").await.unwrap();
    assert!(!again.is_new && again.id == id, "{again:?}");
    let found = stage.at(1).subscription_of("").await.unwrap();
    assert_eq!(found.map(|found| found.id), Some(id));

    let hook = subscribe(&stage, 1, HOOK).await;
    let taken = stage.at(1).update_subscription(hook).subscriber("");
    assert_eq!(word(taken.await), "SUBSCRIPTIONEXISTS");
    assert!(stage.at(1).delete_subscription(id).await.unwrap());
    let free = stage.at(1).update_subscription(hook).subscriber("");
    free.await.unwrap();
    let shown = stage.at(1).subscription(hook).await.unwrap();
    assert_eq!(shown.subscriber, "");
}

#[tokio::test]
async fn an_update_changes_what_is_given_and_nothing_else() {
    let stage = Stage::new().await;
    let id = subscribe(&stage, 0, HOOK).await;
    stage.at(0).confirm_subscription(id, true).await.unwrap();
    let before = stage.at(600).subscription(id).await.unwrap();

    let update = stage.at(600).update_subscription(id).ttl(ms(700));
    update.await.unwrap();
    let now = stage.at(600).subscription(id).await.unwrap();
    assert_eq!((now.ttl, now.left, now.age), (ms(700), ms(700), ms(600)));
    assert_eq!((&now.subscriber, now.confirmed), (&before.subscriber, true));

    let options = BTreeMap::from([("a", "b")]);
    let update = stage.at(600).update_subscription(id).options(&options);
    update.await.unwrap();
    let update = stage.at(600).update_subscription(id);
    update.subscriber("mailto:a@b.example").await.unwrap();
    let now = stage.at(600).subscription(id).await.unwrap();
    assert_eq!(now.options.get::<String>("a").unwrap().unwrap(), "b");
    assert_eq!((now.ttl, now.confirmed), (ms(700), true));
    assert_eq!(stage.at(600).subscription_of(HOOK).await.unwrap(), None);
    let found = stage.at(600).subscription_of("mailto:a@b.example").await;
    assert_eq!(found.unwrap(), Some(now));
    let nothing = stage.at(600).update_subscription(id).await;
    assert_eq!(word(nothing), "BADARG");
}

#[tokio::test]
async fn a_subscriber_that_is_there_is_not_given_to_another_subscription() {
    let stage = Stage::new().await;
    let (one, two) = (
        subscribe(&stage, 0, "a:").await,
        subscribe(&stage, 500, "b:").await,
    );
    let taken = stage
        .at(500)
        .update_subscription(two)
        .subscriber("a:")
        .await;
    let error = taken.unwrap_err();
    assert_eq!(error.word(), "SUBSCRIPTIONEXISTS");
    assert_eq!(error.id(), Some(one.to_string().as_str()));
    let shown = stage.at(500).subscription(two).await.unwrap();
    assert_eq!(shown.subscriber, "b:");
    // Its own is no other's, and one that has expired is nobody's.
    let own = stage.at(500).update_subscription(two).subscriber("b:");
    own.await.unwrap();
    let free = stage.at(1_000).update_subscription(two).subscriber("a:");
    free.await.unwrap();
    let found = stage.at(1_000).subscription_of("a:").await.unwrap();
    assert_eq!(found.map(|found| found.id), Some(two));
    assert!(!stage.at(1_000).delete_subscription(one).await.unwrap());
    let found = stage.at(1_000).subscription_of("a:").await.unwrap();
    assert_eq!(found.map(|found| found.id), Some(two));
}

#[tokio::test]
async fn a_word_of_the_subscriber_can_be_given_and_taken_back() {
    let stage = Stage::new().await;
    let id = subscribe(&stage, 0, HOOK).await;
    for confirmed in [true, false, true] {
        let queue = stage.at(1);
        queue.confirm_subscription(id, confirmed).await.unwrap();
        let shown = stage.at(1).subscription(id).await.unwrap();
        assert_eq!((shown.confirmed, shown.left), (confirmed, ms(999)));
    }
}

#[tokio::test]
async fn a_deletion_says_whether_there_was_one() {
    let stage = Stage::new().await;
    let id = subscribe(&stage, 0, HOOK).await;
    assert!(stage.at(1).delete_subscription(id).await.unwrap());
    assert!(!stage.at(1).delete_subscription(id).await.unwrap());
    let again = stage.at(0).subscribe(HOOK).await.unwrap();
    assert!(again.is_new && again.id > id, "no id comes twice");
}

#[tokio::test]
async fn subscriptions_outlive_their_queue() {
    let stage = Stage::new().await;
    stage.post(&["x"]).await;
    let id = subscribe(&stage, 0, HOOK).await;
    stage.at(0).purge().await.unwrap();
    assert!(stage.at(0).delete().await.unwrap());
    assert!(stage.at(1).subscription(id).await.is_ok());
}

#[tokio::test]
async fn subscribers_and_times_out_of_bounds_are_refused_by_name_and_not_shown() {
    let stage = Stage::new().await;
    let secret = format!("https://u:secret@x/{}", "x".repeat(4_096));
    for (subscriber, ttl, argument) in [
        (secret.as_str(), 1, "subscriber"),
        ("secret\n", 1, "subscriber"),
        (HOOK, 0, "ttl"),
        (HOOK, 315_360_000_001, "ttl"),
    ] {
        let refused = stage.at(0).subscribe(subscriber).ttl(ms(ttl)).await;
        let told = refused.unwrap_err().to_string();
        assert!(told.starts_with(&format!("{argument}: ")), "{told}");
        assert!(!told.contains("secret"), "{told}");
    }
    let refused = stage.at(0).subscribe(HOOK).options(&[1, 2]).await;
    let told = refused.unwrap_err().to_string();
    assert!(told.starts_with("options: wants a map"), "{told}");
    let large = BTreeMap::from([("x", "x".repeat(262_144))]);
    let refused = stage.at(0).subscribe(HOOK).options(&large).await;
    let error = refused.unwrap_err();
    assert_eq!(error.word(), "TOOLARGE");
    assert!(error.to_string().contains("options"), "{error}");
    assert_eq!(stage.at(0).subscription_of(HOOK).await.unwrap(), None);
}

#[tokio::test]
async fn those_that_have_expired_take_nobodys_place() {
    let stage = Stage::new().await;
    let keys = stage.at(0);
    let keys = keys.keys();
    // Ten thousand, put there as the script does it.
    let fill = r"
        for n = 1, 10000 do
            local id, ms = ARGV[1] .. '-' .. n, string.format('%015d', ARGV[1])
            redis.call('HSET', KEYS[1], id, cmsgpack.pack({'s' .. n, 1000, 0, '\128'}), 'last', id, 'schema', 1)
            redis.call('HSET', KEYS[2], 's' .. n, id)
            redis.call('ZADD', KEYS[3], 0, ms .. '-' .. string.format('%016d', n))
            redis.call('ZADD', KEYS[4], ARGV[1] + 1000, id)
        end";
    let mut connection = Server::shared().connection().await;
    let mut eval = redis::cmd("EVAL");
    eval.arg(fill).arg(4);
    for part in [
        Part::Subscriptions,
        Part::Subscribers,
        Part::SubscriptionIds,
        Part::SubscriptionExpiry,
    ] {
        eval.arg(keys.key(part));
    }
    eval.arg(START).exec_async(&mut connection).await.unwrap();
    assert_eq!(word(stage.at(999).subscribe(HOOK).await), "TOOLARGE");
    assert!(!stage.at(999).subscribe("s7").await.unwrap().is_new);
    assert!(stage.at(1_000).subscribe(HOOK).await.unwrap().is_new);
    // Each that is made clears some away.
    let zcard = redis::cmd("ZCARD")
        .arg(keys.key(Part::SubscriptionIds))
        .to_owned();
    let left: u64 = zcard.query_async(&mut connection).await.unwrap();
    assert_eq!(left, 9_901);
}

#[tokio::test]
async fn what_a_later_version_has_stored_is_left_alone() {
    let stage = Stage::new().await;
    let id = subscribe(&stage, 0, HOOK).await;
    let key = stage.at(0).keys().key(Part::Subscriptions);
    let mut connection = Server::shared().connection().await;
    let newer = redis::cmd("HSET").arg(&key).arg("schema").arg(2).to_owned();
    newer.exec_async(&mut connection).await.unwrap();
    let queue = stage.at(0);
    assert_eq!(word(queue.subscription(id).await), "NEWERSCHEMA");
    assert_eq!(word(queue.subscribe("x:").await), "NEWERSCHEMA");
    assert_eq!(word(queue.subscriptions().await), "NEWERSCHEMA");
    assert_eq!(word(queue.delete_subscription(id).await), "NEWERSCHEMA");
    assert_eq!(
        word(queue.confirm_subscription(id, true).await),
        "NEWERSCHEMA"
    );
    let update = queue.update_subscription(id).ttl(ms(1)).await;
    assert_eq!(word(update), "NEWERSCHEMA");
}

#[tokio::test]
async fn a_full_server_takes_no_subscription_and_lets_them_be_deleted() {
    let server = Server::start(&[]);
    let store = Store::connect(&server.url()).await.unwrap();
    let queue = store.at(START).queue("p", "q").unwrap();
    let id = queue.subscribe(HOOK).await.unwrap().id;
    let mut connection = server.connection().await;
    for (name, value) in [("maxmemory", "1"), ("maxmemory-policy", "noeviction")] {
        let mut set = redis::cmd("CONFIG");
        set.arg("SET").arg(name).arg(value);
        set.exec_async(&mut connection).await.unwrap();
    }
    let told = [
        queue.subscribe("x:").await.map(drop),
        queue.confirm_subscription(id, true).await,
        queue.update_subscription(id).ttl(ms(1)).await,
    ];
    for told in told {
        let error = told.unwrap_err();
        assert!(error.to_string().contains("OOM"), "{error}");
        assert_eq!(error.outcome(), Outcome::NotDone);
    }
    assert!(!queue.subscription(id).await.unwrap().confirmed);
    assert_eq!(queue.subscription_of("x:").await.unwrap(), None);
    assert!(queue.delete_subscription(id).await.unwrap());
}

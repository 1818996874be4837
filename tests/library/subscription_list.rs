//! Listing subscriptions.

use std::collections::BTreeMap;

use marconi_redis::SubscriptionPage;

use crate::stage::{Stage, ms, word};
use crate::subscription::subscribe;

fn subscribers(page: &SubscriptionPage) -> Vec<&str> {
    page.subscriptions
        .iter()
        .map(|one| one.subscriber.as_str())
        .collect()
}

#[tokio::test]
async fn subscriptions_are_listed_in_the_order_in_which_they_were_made() {
    let stage = Stage::new().await;
    // Within one ms, at a clock that stepped back, and more than ten.
    for n in 0..12 {
        subscribe(&stage, 12 - n, &format!("s{n}:")).await;
    }
    let list = || stage.at(12).subscriptions();
    let page = list().limit(5).await.unwrap();
    assert_eq!(subscribers(&page), ["s0:", "s1:", "s2:", "s3:", "s4:"]);
    let gone = page.marker.unwrap();
    stage.at(12).delete_subscription(gone).await.unwrap();
    let page = list().limit(5).marker(gone).await.unwrap();
    assert_eq!(subscribers(&page), ["s5:", "s6:", "s7:", "s8:", "s9:"]);
    let page = list().limit(2).marker(page.marker.unwrap()).await.unwrap();
    assert_eq!(subscribers(&page), ["s10:", "s11:"]);
    assert_eq!(page.marker, None);
    assert_eq!(list().await.unwrap().subscriptions.len(), 10);
    for limit in [0, 251] {
        assert_eq!(word(list().limit(limit).await), "BADARG");
    }
}

#[tokio::test]
async fn a_page_is_filled_however_many_have_expired_before_it() {
    let stage = Stage::new().await;
    let queue = stage.at(0);
    for n in 0..1_205 {
        let subscriber = format!("s{n}:");
        let ttl = if n % 400 == 399 { 5_000 } else { 1_000 };
        queue.subscribe(&subscriber).ttl(ms(ttl)).await.unwrap();
    }
    let page = stage.at(1_000).subscriptions().limit(2).await.unwrap();
    assert_eq!(subscribers(&page), ["s399:", "s799:"]);
    let rest = stage.at(1_000).subscriptions().limit(2);
    let rest = rest.marker(page.marker.unwrap()).await.unwrap();
    assert_eq!((subscribers(&rest), rest.marker), (vec!["s1199:"], None));
}

#[tokio::test]
async fn a_page_is_four_megabytes_at_most() {
    let stage = Stage::new().await;
    let options = BTreeMap::from([("x", "x".repeat(262_000))]);
    for n in 0..18 {
        let made = stage.at(0).subscribe(&format!("s{n}:")).options(&options);
        made.await.unwrap();
    }
    let page = stage.at(0).subscriptions().limit(18).await.unwrap();
    assert_eq!(page.subscriptions.len(), 16);
    let rest = stage.at(0).subscriptions().limit(18);
    let rest = rest.marker(page.marker.unwrap()).await.unwrap();
    assert_eq!(
        (subscribers(&rest), rest.marker),
        (vec!["s16:", "s17:"], None)
    );
}

//! Looking at single messages.

use marconi_redis::{MessageId, Order};

use crate::stage::{Stage, bodies, claim, ms, word};

#[tokio::test]
async fn get_shows_a_message_whoever_holds_it() {
    let stage = Stage::new().await;
    let posted = stage.post(&["a", "b"]).await;
    let claim = claim(&stage.at(0), 1).await;
    let held = stage.at(0).get(posted[0]).await.unwrap();
    assert_eq!((held.claimed_by(), held.claims()), (Some(claim.id()), 1));
    let lapsed = stage.at(100).get(posted[0]).await.unwrap();
    assert_eq!((lapsed.claimed_by(), lapsed.claims()), (None, 1));
}

#[tokio::test]
async fn get_of_what_is_gone_names_it() {
    let stage = Stage::new().await;
    let id: MessageId = "1700000000000-7".parse().unwrap();
    let error = stage.at(0).get(id).await.unwrap_err();
    assert_eq!(
        (error.word(), error.id()),
        ("MESSAGEGONE", Some("1700000000000-7"))
    );
}

#[tokio::test]
async fn get_many_leaves_out_what_is_gone_and_keeps_the_order_asked() {
    let stage = Stage::new().await;
    let posted = stage.post(&["a", "b", "c"]).await;
    stage.at(0).delete_one(posted[1]).await.unwrap();
    let found = stage
        .at(0)
        .get_many(posted.into_iter().rev())
        .await
        .unwrap();
    assert_eq!(bodies(&found), ["c", "a"]);
    assert!(stage.at(0).get_many([]).await.unwrap().is_empty());
    let many = (0..251).map(|n| format!("1-{n}").parse().unwrap());
    assert_eq!(word(stage.at(0).get_many(many).await), "TOOLARGE");
}

#[tokio::test]
async fn first_is_the_oldest_or_the_newest_that_lives() {
    let stage = Stage::new().await;
    assert!(stage.at(0).first(Order::Oldest).await.unwrap().is_none());
    for n in 0..600 {
        // One call each would be slow; a batch shares its ms.
        if n % 200 == 0 {
            let short = (0..200).map(|_| crate::stage::message("short").ttl(ms(10)));
            stage.at(n / 200).post_many(short).await.unwrap();
        }
    }
    stage.at(5).post("old").await.unwrap();
    stage.at(6).post("new").delay(ms(9_000)).await.unwrap();
    for _ in 0..3 {
        let short = (0..200).map(|_| crate::stage::message("short").ttl(ms(10)));
        stage.at(7).post_many(short).await.unwrap();
    }
    claim(&stage.at(20), 1).await;
    let oldest = stage.at(20).first(Order::Oldest).await.unwrap().unwrap();
    let newest = stage.at(20).first(Order::Newest).await.unwrap().unwrap();
    assert_eq!(bodies(&[oldest, newest]), ["old", "new"]);
}

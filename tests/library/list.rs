//! Listing messages.

use marconi_redis::Metadata;

use crate::stage::{Stage, bodies, claim, message, ms, word};

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_double() {
    let stage = Stage::new().await;
    let all = ["a", "b", "c", "d", "e"];
    stage.post(&all).await;
    let mut seen = Vec::new();
    let mut page = stage.at(0).list().limit(2).await.unwrap();
    loop {
        seen.extend(bodies(&page.messages));
        let Some(marker) = page.marker else { break };
        page = stage.at(0).list().limit(2).marker(marker).await.unwrap();
    }
    assert_eq!(seen, all);
}

#[tokio::test]
async fn a_marker_stays_good_when_its_message_is_gone() {
    let stage = Stage::new().await;
    stage.post(&["a", "b", "c"]).await;
    let page = stage.at(0).list().limit(1).await.unwrap();
    stage.at(0).pop().await.unwrap();
    let rest = stage
        .at(0)
        .list()
        .marker(page.marker.unwrap())
        .await
        .unwrap();
    assert_eq!(bodies(&rest.messages), ["b", "c"]);
    assert_eq!(rest.marker, None);
}

#[tokio::test]
async fn a_page_is_full_however_many_messages_are_left_out() {
    let stage = Stage::new().await;
    let batch = |client: &'static str, count: usize| {
        let messages = (0..count).map(move |n| message(&format!("{client} {n}")));
        stage.at(0).post_many(messages).client(client)
    };
    batch("him", 1).await.unwrap();
    for _ in 0..4 {
        batch("me", 250).await.unwrap();
    }
    batch("him", 2).await.unwrap();
    let page = stage.at(0).list().not_client("me").limit(3).await.unwrap();
    assert_eq!(bodies(&page.messages), ["him 0", "him 0", "him 1"]);
    let end = stage.at(0).list().not_client("me").limit(4).await.unwrap();
    assert_eq!((end.messages.len(), end.marker), (3, None));
}

#[tokio::test]
async fn claimed_and_delayed_messages_are_listed_where_asked_for() {
    let stage = Stage::new().await;
    stage.post(&["claimed", "free"]).await;
    stage.at(0).post("delayed").delay(ms(50)).await.unwrap();
    let claim = claim(&stage.at(0), 1).await;
    let list = || stage.at(10).list();
    let of = |page: marconi_redis::MessagePage| bodies(&page.messages);
    assert_eq!(of(list().await.unwrap()), ["free"]);
    assert_eq!(of(list().claimed(true).await.unwrap()), ["claimed", "free"]);
    assert_eq!(of(list().delayed(true).await.unwrap()), ["free", "delayed"]);
    let all = list().claimed(true).delayed(true).await.unwrap().messages;
    assert_eq!(all[0].claimed_by(), Some(claim.id()));
    assert_eq!(all[2].delay(), ms(40));
}

#[tokio::test]
async fn ones_own_messages_can_be_left_out() {
    let stage = Stage::new().await;
    stage.post(&["mine"]).await;
    stage.at(0).post("theirs").client("them").await.unwrap();
    let page = stage.at(0).list().echo(false).await.unwrap();
    assert_eq!(bodies(&page.messages), ["theirs"]);
    let page = stage.at(0).list().echo(true).await.unwrap();
    assert_eq!(page.messages.len(), 2);
}

#[tokio::test]
async fn a_page_ends_at_four_megabytes_and_the_next_one_goes_on() {
    let stage = Stage::new().await;
    let size = 64 << 20;
    let metadata = Metadata::new().with_max_messages_post_size(size);
    stage.at(0).create().metadata(metadata).await.unwrap();
    let body = "x".repeat(250_000);
    let messages = (0..20).map(|_| message(&body));
    stage.at(0).post_many(messages).await.unwrap();
    let page = stage.at(0).list().limit(250).await.unwrap();
    assert_eq!(page.messages.len(), 16);
    let rest = stage
        .at(0)
        .list()
        .limit(250)
        .marker(page.marker.unwrap())
        .await
        .unwrap();
    assert_eq!((rest.messages.len(), rest.marker), (4, None));
}

#[tokio::test]
async fn a_queue_that_does_not_exist_lists_as_empty() {
    let stage = Stage::new().await;
    let page = stage.at(0).list().await.unwrap();
    assert!(page.messages.is_empty() && page.marker.is_none());
    assert_eq!(word(stage.at(0).list().limit(0).await), "BADARG");
    assert_eq!(word(stage.at(0).list().limit(251).await), "BADARG");
}

//! Counting.

use crate::stage::{Stage, claim, ms};

#[tokio::test]
async fn stats_are_exact_at_every_moment() {
    let stage = Stage::new().await;
    stage.at(0).post("short").ttl(ms(20)).await.unwrap();
    stage.at(1).post("held").await.unwrap();
    stage.at(2).post("delayed").delay(ms(50)).await.unwrap();
    stage.at(3).post("free").await.unwrap();
    let early = stage.at(4).claim().limit(2).ttl(ms(96)).grace(ms(0));
    early.await.unwrap();

    let count = async |at| {
        let stats = stage.at(at).stats().await.unwrap();
        assert_eq!(stats.total, stats.free + stats.claimed + stats.delayed);
        (stats.free, stats.claimed, stats.delayed)
    };
    assert_eq!(count(10).await, (1, 2, 1));
    assert_eq!(count(52).await, (2, 2, 0));
    // The short one lived as long as the claim that held it.
    assert_eq!(count(99).await, (2, 2, 0));
    assert_eq!(count(100).await, (3, 0, 0));
}

#[tokio::test]
async fn stats_know_the_oldest_and_the_newest() {
    let stage = Stage::new().await;
    stage.at(0).create().await.unwrap();
    let stats = stage.at(0).stats().await.unwrap();
    assert_eq!((stats.oldest, stats.newest), (None, None));
    let posted = stage.post(&["a"]).await;
    let newest = stage.at(30).post("b").await.unwrap();
    claim(&stage.at(30), 1).await;
    let stats = stage.at(40).stats().await.unwrap();
    let (oldest, newest_end) = (stats.oldest.unwrap(), stats.newest.unwrap());
    assert_eq!((oldest.id, oldest.age), (posted[0], ms(40)));
    assert_eq!((newest_end.id, newest_end.age), (newest[0], ms(10)));
}

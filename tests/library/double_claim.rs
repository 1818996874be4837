//! The stock driver's double claim: after a release it handed out what another claim held.
//!
//! Guards the first promise of all: never two live claims on one message.

use crate::stage::{Stage, bodies, claim, message, ms};

#[tokio::test]
async fn a_third_claim_gets_what_was_released_and_never_what_the_second_holds() {
    let stage = Stage::new().await;
    stage.post(&["1", "2", "3", "4", "5", "6"]).await;
    let a = claim(&stage.at(0), 2).await;
    let b = claim(&stage.at(1), 2).await;
    assert_eq!(bodies(a.messages()), ["1", "2"]);
    assert_eq!(bodies(b.messages()), ["3", "4"]);
    assert_eq!(a.release().await.unwrap(), 2);
    let c = claim(&stage.at(2), 10).await;
    assert_eq!(bodies(c.messages()), ["1", "2", "5", "6"]);
    assert_eq!(bodies(b.get().await.unwrap().messages()), ["3", "4"]);
}

#[tokio::test]
async fn the_same_holds_where_the_first_claim_lapsed() {
    let stage = Stage::new().await;
    stage.post(&["1", "2", "3", "4", "5", "6"]).await;
    claim(&stage.at(0), 2).await;
    claim(&stage.at(50), 2).await;
    let c = claim(&stage.at(100), 10).await;
    assert_eq!(bodies(c.messages()), ["1", "2", "5", "6"]);
}

#[tokio::test]
async fn its_delayed_twin_messages_given_back_after_a_delay_come_once() {
    let stage = Stage::new().await;
    stage.post(&["1", "2", "3", "4", "5", "6"]).await;
    let a = claim(&stage.at(0), 2).await;
    let b = claim(&stage.at(0), 2).await;
    let given_back: Vec<_> = a.messages().iter().map(|message| message.id()).collect();
    a.nack(given_back).delay(ms(50)).await.unwrap();
    let c = claim(&stage.at(49), 10).await;
    assert_eq!(bodies(c.messages()), ["5", "6"]);
    let d = claim(&stage.at(50), 10).await;
    assert_eq!(bodies(d.messages()), ["1", "2"]);
    assert_eq!(bodies(b.get().await.unwrap().messages()), ["3", "4"]);
}

#[tokio::test]
async fn messages_posted_with_a_delay_stand_in_nobodys_way_and_come_in_their_place() {
    let stage = Stage::new().await;
    let posted = ["1", "2", "3", "4", "5", "6"].map(|body| match body {
        "1" | "2" => message(body).delay(ms(50)),
        _ => message(body),
    });
    stage.at(0).post_many(posted).await.unwrap();
    let a = claim(&stage.at(0), 2).await;
    assert_eq!(bodies(a.messages()), ["3", "4"]);
    let b = claim(&stage.at(50), 10).await;
    assert_eq!(bodies(b.messages()), ["1", "2", "5", "6"]);
    assert!(stage.at(50).claim().await.unwrap().is_none());
}

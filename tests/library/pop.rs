//! Popping.

use crate::stage::{Stage, bodies, claim, ids, message, word};

#[tokio::test]
async fn pop_takes_the_oldest_for_good() {
    let stage = Stage::new().await;
    stage.post(&["a", "b", "c"]).await;
    assert_eq!(bodies(&stage.at(0).pop().await.unwrap()), ["a"]);
    let rest = stage.at(0).pop().limit(250).await.unwrap();
    assert_eq!(bodies(&rest), ["b", "c"]);
    assert_eq!(rest[0].claims(), 0);
    assert_eq!(bodies(&stage.at(0).pop().await.unwrap()), [""; 0]);
}

#[tokio::test]
async fn pop_passes_over_what_is_claimed_and_takes_what_came_back_first() {
    let stage = Stage::new().await;
    stage.post(&["a", "b", "c"]).await;
    let back = claim(&stage.at(0), 1).await;
    claim(&stage.at(0), 1).await;
    back.release().await.unwrap();
    let popped = stage.at(0).pop().limit(10).await.unwrap();
    assert_eq!(bodies(&popped), ["a", "c"]);
    assert_eq!(popped[0].claims(), 1);
}

#[tokio::test]
async fn a_repeat_with_a_token_answers_the_same_messages() {
    let stage = Stage::new().await;
    stage.post(&["a", "b", "c"]).await;
    let first = stage.at(0).pop().limit(2).token("t").await.unwrap();
    let again = stage.at(59_999).pop().limit(9).token("t").await.unwrap();
    assert_eq!(ids(&first), ids(&again));
    assert_eq!(bodies(&again), ["a", "b"]);
    assert_eq!(word(stage.at(0).post("x").token("t").await), "TOKENREUSED");
    assert_eq!(bodies(&stage.at(0).pop().limit(9).await.unwrap()), ["c"]);
}

#[tokio::test]
async fn a_pop_from_a_queue_that_does_not_exist_is_empty() {
    let stage = Stage::new().await;
    assert!(stage.at(0).pop().await.unwrap().is_empty());
    assert_eq!(word(stage.at(0).pop().limit(0).await), "BADARG");
    assert_eq!(word(stage.at(0).pop().token("").await), "BADARG");
}

#[tokio::test]
async fn four_megabytes_of_messages_all_alike_are_taken_at_once_and_no_more() {
    let stage = Stage::new().await;
    let body = "x".repeat(250 << 10);
    // The first of a queue says what is usual there; only later ones are.
    stage.post(&["first"]).await;
    stage.at(0).pop().await.unwrap();
    for _ in 0..4 {
        let alike = [&*body; 9].map(message);
        stage.at(1).post_many(alike).await.unwrap();
    }
    let fit = (4 << 20) / body.len();
    let held = claim(&stage.at(1), 250).await;
    assert_eq!(held.messages().len(), fit);
    for left in [fit, 4 * 9 - 2 * fit, 0] {
        let popped = stage.at(1).pop().limit(250).await.unwrap();
        assert_eq!(popped.len(), left);
    }
}

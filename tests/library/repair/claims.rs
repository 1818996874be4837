//! Claims without a record, a deadline or messages, and messages without their claim.
//!
//! Guards that a message is under one claim at most, and a claim that is whole stays.

use marconi_redis::keys::Part;

use super::{BODIES, FREE, Ward};

#[tokio::test]
async fn a_claim_without_a_record_or_a_deadline_ends() {
    let mut ward = Ward::new().await;
    let (claim, other) = (ward.claim.clone(), ward.other.clone());
    ward.damage("HDEL", Part::Held, &[&claim]).await;
    ward.damage("ZREM", Part::Claims, &[&other]).await;
    ward.heal(&claim, "has a deadline, and yet no record").await;
    let free = ["a", "b", "c", "d", "g", "h", "i", "j", "k", "l"];
    ward.drain(&free, &BODIES).await;
}

#[tokio::test]
async fn a_claim_that_can_not_be_read_ends() {
    for torn in [
        "",
        "torn",
        "1 2 3 4",
        "99999999999999999999 1 1 1 x ",
        "1 1 1 1 , ",
    ] {
        let mut ward = Ward::new().await;
        let claim = ward.claim.clone();
        ward.damage("HSET", Part::Held, &[&claim, torn]).await;
        ward.heal(
            &claim,
            if torn.contains(',') {
                "holds nothing"
            } else {
                "can not be read"
            },
        )
        .await;
        let free = ["a", "b", "d", "g", "h", "i", "j", "k", "l"];
        ward.drain(&free, &BODIES).await;
    }
    let mut ward = Ward::new().await;
    let claim = ward.claim.clone();
    ward.damage("ZADD", Part::Claims, &["inf", &claim]).await;
    ward.heal(&claim, "has a deadline that is no time").await;
    ward.drain(&["a", "b", "d", "g", "h", "i", "j", "k", "l"], &BODIES)
        .await;
}

#[tokio::test]
async fn a_claim_holds_what_it_lists_where_nobody_else_does() {
    let mut ward = Ward::new().await;
    let (a, claim) = (ward.id("a"), ward.claim.clone());
    ward.damage("HDEL", Part::Held, &[&a]).await;
    ward.heal(&claim, "which it does not hold").await;
    assert_eq!(ward.held(&a).await, claim);
    ward.drain(&FREE, &BODIES).await;
}

#[tokio::test]
async fn of_two_claims_on_a_message_the_one_with_the_larger_fence_keeps_it() {
    for stronger_is_owner in [true, false] {
        let mut ward = Ward::new().await;
        let (a, c) = (ward.id("a"), ward.id("c"));
        let (weak, strong) = (ward.claim.clone(), ward.other.clone());
        // The later claim lists what the earlier one lists, too.
        let record = ward.held(&strong).await;
        let both = record.replace(&c, &format!("{a},{c}"));
        ward.damage("HSET", Part::Held, &[&strong, &both]).await;
        if stronger_is_owner {
            ward.damage("HSET", Part::Held, &[&a, &strong]).await;
        }
        let loser = if stronger_is_owner { &weak } else { &strong };
        ward.heal(loser, "which it does not hold").await;
        assert_eq!(&ward.held(&a).await[..36], strong);
        assert!(!ward.held(&weak).await.contains(&a));
        ward.drain(&FREE, &BODIES).await;
    }
}

#[tokio::test]
async fn a_hold_that_no_claim_lists_is_let_go() {
    let mut ward = Ward::new().await;
    let (h, claim) = (ward.id("h"), ward.claim.clone());
    ward.damage("HSET", Part::Held, &[&h, &claim]).await;
    ward.heal(&h, "is held by a claim that does not list it")
        .await;
    ward.drain(&FREE, &BODIES).await;
}

#[tokio::test]
async fn a_record_that_lists_too_much_lists_what_it_holds() {
    let mut ward = Ward::new().await;
    let (a, claim) = (ward.id("a"), ward.claim.clone());
    let record = ward.held(&claim).await;
    let twice = record.replace(&a, &format!("{a},{a},7-7"));
    ward.damage("HSET", Part::Held, &[&claim, &twice]).await;
    ward.heal(&claim, "twice").await;
    assert_eq!(ward.held(&claim).await, record);
    ward.drain(&FREE, &BODIES).await;
}

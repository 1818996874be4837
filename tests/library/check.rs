//! The checker: quiet on what this library wrote, loud on what it did not.

use marconi_redis::Metadata;
use marconi_redis::keys::Part;

use crate::common::Server;
use crate::stage::{Stage, claim, message, ms};

#[tokio::test]
async fn a_busy_queue_has_nothing_to_complain_about() {
    let stage = Stage::new().await;
    assert_eq!(stage.at(0).check().await.unwrap(), []);
    let metadata = Metadata::new().with_max_claim_count(2);
    stage.at(0).create().metadata(metadata).await.unwrap();
    for n in 0..4 {
        let messages = (0..150).map(|i| message("x").ttl(ms(1_000 + i % 3)).delay(ms(i % 5)));
        stage.at(n).post_many(messages).await.unwrap();
    }
    for n in 0..20 {
        let held = claim(&stage.at(10 + n), 9).await;
        match n % 4 {
            0 => _ = held.release().await.unwrap(),
            1 => {
                _ = held
                    .nack([held.messages()[0].id()])
                    .delay(ms(50))
                    .await
                    .unwrap()
            }
            2 => _ = held.delete_all().await.unwrap(),
            _ => {}
        }
    }
    assert_eq!(stage.at(30).check().await.unwrap(), []);
    stage.at(150).stats().await.unwrap();
    assert_eq!(stage.at(150).check().await.unwrap(), []);
}

#[tokio::test]
async fn what_was_tampered_with_is_found_once() {
    let stage = Stage::new().await;
    let posted = stage.post(&["a", "b"]).await;
    claim(&stage.at(0), 1).await;
    let log = stage.at(0).keys().key(Part::Log);
    let mut connection = Server::shared().connection().await;
    let vandal = redis::cmd("XDEL")
        .arg(&log)
        .arg(posted[0].to_string())
        .to_owned();
    vandal.exec_async(&mut connection).await.unwrap();
    let found = stage.at(0).check().await.unwrap();
    assert!(
        found
            .iter()
            .any(|v| v.part == Part::Held && v.about == posted[0].to_string()),
        "{found:?}"
    );
    redis::cmd("DEL")
        .arg(stage.at(0).keys().key(Part::Meta))
        .exec_async(&mut connection)
        .await
        .unwrap();
    let found = stage.at(0).check().await.unwrap();
    let abouts: Vec<_> = found.iter().map(|v| v.about.as_str()).collect();
    assert_eq!(abouts, ["log", "held", "claims"]);
}

//! What users store is theirs: cmsgpack fails on ext types, so no script decodes it.

use marconi_redis::{Message, Metadata, NewMessage, Order};

use crate::raw::sound;
use crate::stage::{Stage, claim, ms};

/// Values that cmsgpack can't take, or would not give back as they were.
fn values() -> Vec<Vec<u8>> {
    let mut long = vec![0xc8, 0x01, 0x2c, 0x07];
    long.extend([0xab; 300]);
    let mut longer = vec![0xc9, 0x00, 0x01, 0x11, 0x70, 0xff];
    longer.extend([0xcd; 70_000]);
    let ext = b"\xd4\x05\x2a";
    vec![
        ext.to_vec(),
        // A timestamp, 16 bytes, one of length 0.
        b"\xd6\xff\x65\x53\xf1\x00".to_vec(),
        [&b"\xd8\x01"[..], &[9; 16]].concat(),
        b"\xc7\x00\x09".to_vec(),
        long,
        longer,
        // Within an array and a map.
        [&b"\x92"[..], ext, b"\x81\xa1k"]
            .concat()
            .into_iter()
            .chain(*ext)
            .collect(),
        // nil, the largest integer, a NaN, text that is no UTF-8, bin, a map in a map's key.
        b"\xc0".to_vec(),
        b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x01".to_vec(),
        b"\xa2\xff\xfe".to_vec(),
        b"\xc4\x02\x00\x0a".to_vec(),
        b"\x81\x80\xc3".to_vec(),
    ]
}

fn same(messages: &[Message], values: &[Vec<u8>]) {
    assert_eq!(messages.len(), values.len());
    for (n, (message, value)) in messages.iter().zip(values).enumerate() {
        assert!(message.raw_body() == value, "value {n} has changed");
    }
}

#[tokio::test]
async fn bodies_with_ext_types_survive_every_way_they_can_go() {
    let stage = Stage::new().await;
    let (queue, values) = (stage.at(0), values());
    let messages = values
        .iter()
        .map(|body| NewMessage::from_msgpack(body).unwrap());
    let messages: Vec<_> = messages.collect();
    let posted = queue.post_many(messages.clone()).await.unwrap();
    same(&queue.list().limit(250).await.unwrap().messages, &values);
    same(&queue.get_many(posted.clone()).await.unwrap(), &values);
    let held = claim(&queue, 250).await;
    same(held.messages(), &values);
    same(held.get().await.unwrap().messages(), &values);
    held.nack(posted[..3].to_vec()).delay(ms(10)).await.unwrap();
    held.release().await.unwrap();
    let later = stage.at(10);
    let newest = later.first(Order::Newest).await.unwrap().unwrap();
    same(&[newest], &values[values.len() - 1..]);
    let popped = later.pop().limit(250).token("t").await.unwrap();
    same(&popped, &values);
    let again = later.pop().limit(250).token("t").await.unwrap();
    same(&again, &values);

    let delayed = messages
        .into_iter()
        .map(|one| one.delay(ms(5)).ttl(ms(9000)));
    later.post_many(delayed).await.unwrap();
    let extended = stage.at(15).claim().limit(250).ttl(ms(20_000));
    same(extended.await.unwrap().unwrap().messages(), &values);
    sound(&stage.at(15)).await;
}

#[tokio::test]
async fn bodies_with_ext_types_survive_their_death_twice() {
    let stage = Stage::new().await;
    let values = values();
    for (name, target) in [("orders", "second"), ("second", "third")] {
        let rules = Metadata::new()
            .with_max_claim_count(1)
            .with_dead_letter_queue(target);
        let create = stage.named(name, 0).create().metadata(rules);
        create.await.unwrap();
    }
    let messages = values
        .iter()
        .map(|body| NewMessage::from_msgpack(body).unwrap());
    stage.at(0).post_many(messages).await.unwrap();
    for name in ["orders", "second"] {
        let held = claim(&stage.named(name, 0), 250).await;
        held.release().await.unwrap();
    }
    let dead = stage
        .named("third", 0)
        .list()
        .limit(250)
        .await
        .unwrap()
        .messages;
    same(&dead, &values);
    assert_eq!(dead[0].origin().map(|origin| origin.from.len()), Some(2));
}

#[tokio::test]
async fn metadata_with_ext_types_survives_and_its_reserved_values_still_rule() {
    let stage = Stage::new().await;
    let values = values();
    // {"_default_message_ttl": 500, 0: value, 1: value, …}
    let mut map = vec![0xde, 0x00, u8::try_from(values.len() + 1).unwrap()];
    map.extend(b"\xb4_default_message_ttl\xcd\x01\xf4");
    for (n, value) in values.iter().enumerate() {
        map.push(u8::try_from(n).unwrap());
        map.extend(value);
    }
    let metadata = Metadata::from_msgpack(&map).unwrap();
    let create = stage.at(0).create().metadata(metadata.clone());
    assert!(create.await.unwrap());
    let stored = stage.at(0).metadata().await.unwrap();
    assert_eq!(stored.to_msgpack(), metadata.to_msgpack());
    stage.at(0).post("a").await.unwrap();
    assert_eq!(claim(&stage.at(0), 1).await.messages()[0].ttl(), ms(500));
    stage.at(0).set_metadata(&metadata).await.unwrap();
    let queues = stage.store.queues(&stage.project).unwrap();
    let page = queues.with_metadata().await.unwrap();
    let listed = page.queues[0].metadata.as_ref().unwrap();
    assert_eq!(listed.to_msgpack(), metadata.to_msgpack());
    sound(&stage.at(0)).await;
}

//! Listing the topics of all pools.

use marconi_redis::keys::QueuePath;
use marconi_redis::{Metadata, PooledTopicPage};

use crate::stage::{Stage, stage};

fn names(page: &PooledTopicPage) -> Vec<&str> {
    let names = page.topics.iter().map(|entry| entry.topic.name.as_str());
    names.collect()
}

/// One at each name, on these pools in turn; and a queue beside each second one.
async fn furnished(pools: &[&str]) -> (Stage, Vec<String>) {
    let stage = stage().await;
    let plane = stage.store.control().of_topics();
    let mut expected = Vec::new();
    for n in 0..30 {
        let name = format!("t{n:02}");
        let path = QueuePath::new("shop", &name).unwrap();
        plane.place(&path, pools[n % pools.len()]).await.unwrap();
        let creation = stage.store.create_topic("shop", &name).unwrap();
        let metadata = Metadata::new().with("even", &(n % 2 == 0)).unwrap();
        assert!(creation.metadata(metadata).await.unwrap().1);
        if n % 2 == 0 {
            let queue = stage.store.create_queue("shop", &format!("{name}q"));
            queue.unwrap().await.unwrap();
        }
        expected.push(name);
    }
    (stage, expected)
}

#[tokio::test]
async fn topics_of_all_pools_are_listed_in_one_order_under_one_marker_without_queues() {
    let (stage, expected) = furnished(&["east", "west", "cold"]).await;
    let topics = || stage.store.topics("shop").unwrap();
    let (mut listed, mut asked) = (Vec::new(), topics().limit(7));
    loop {
        let page = asked.await.unwrap();
        assert!(page.failed.is_empty());
        listed.extend(names(&page).iter().map(|name| (*name).to_owned()));
        for (entry, n) in page.topics.iter().zip(listed.len() - page.topics.len()..) {
            assert_eq!(entry.pool, ["east", "west", "cold"][n % 3]);
        }
        let Some(marker) = page.marker else { break };
        asked = topics().limit(7).marker(marker);
    }
    assert_eq!(listed, expected);
    assert_eq!(topics().count().await.unwrap(), 30);
    assert_eq!(stage.store.count("shop").await.unwrap(), 15);

    let even = topics().metadata_is("even", &true).limit(250);
    let page = even.clone().with_metadata().await.unwrap();
    assert_eq!(page.topics.len(), 15);
    let metadata = page.topics[3].topic.metadata.as_ref().unwrap();
    assert_eq!(metadata.get("even").unwrap(), Some(true));
    assert_eq!(even.count().await.unwrap(), 15);
    let page = topics().name_contains("3").limit(2).await.unwrap();
    assert_eq!(names(&page), ["t03", "t13"]);
    let page = topics().name_contains("3").marker(page.marker.unwrap());
    assert_eq!(names(&page.await.unwrap()), ["t23"]);
}

#[tokio::test]
async fn a_pool_that_is_down_fails_its_own_topics_by_its_name() {
    let (mut stage, expected) = furnished(&["east", "west"]).await;
    stage.pools[0].kill();
    let on_west: Vec<_> = expected.iter().skip(1).step_by(2).collect();
    let page = stage.store.topics("shop").unwrap().limit(250);
    let page = page.await.unwrap();
    assert_eq!(names(&page), on_west);
    assert_eq!(page.failed.keys().collect::<Vec<_>>(), ["east"]);
    let counted = stage.store.topics("shop").unwrap().count().await;
    assert_eq!(counted.unwrap_err().word(), "TRANSPORT");
    let topic = stage.store.topic("shop", "t00").await.unwrap();
    let error = topic.post("x").await.unwrap_err();
    assert!(error.to_string().contains("pool east"), "{error}");
    let topic = stage.store.topic("shop", "t01").await.unwrap();
    topic.post("x").await.unwrap();
    stage.pools[0].restart();
    let page = stage.store.topics("shop").unwrap().limit(250);
    assert_eq!(names(&page.await.unwrap()), expected);
}

//! Listing over pools.

use marconi_redis::Metadata;

use crate::stage::stage;

#[tokio::test]
async fn queues_of_all_pools_are_listed_in_one_order_under_one_marker() {
    let stage = stage().await;
    let mut expected = Vec::new();
    for n in 0..40 {
        let name = format!("q{n:02}");
        let metadata = Metadata::new().with("even", &(n % 2 == 0)).unwrap();
        let creation = stage.store.create_queue("shop", &name).unwrap();
        creation.metadata(metadata).await.unwrap();
        expected.push(name);
    }
    let (mut listed, mut marker) = (Vec::new(), None);
    loop {
        let mut listing = stage.store.queues("shop").unwrap().limit(7);
        if let Some(marker) = marker {
            listing = listing.marker(marker);
        }
        let page = listing.await.unwrap();
        assert!(page.failed.is_empty());
        listed.extend(
            page.queues
                .into_iter()
                .map(|entry| entry.queue.name.to_string()),
        );
        marker = page.marker;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(listed, expected);
    assert_eq!(stage.store.count("shop").await.unwrap(), 40);

    let even = stage
        .store
        .queues("shop")
        .unwrap()
        .metadata_is("even", &true)
        .limit(250)
        .with_metadata();
    let page = even.await.unwrap();
    assert_eq!(page.queues.len(), 20);
    assert_eq!(
        page.queues[3]
            .queue
            .metadata
            .as_ref()
            .unwrap()
            .get("even")
            .unwrap(),
        Some(true)
    );
    let named = stage
        .store
        .queues("shop")
        .unwrap()
        .name_contains("3")
        .limit(3)
        .await
        .unwrap();
    let names: Vec<_> = named
        .queues
        .iter()
        .map(|entry| entry.queue.name.as_str())
        .collect();
    assert_eq!(names, ["q03", "q13", "q23"]);
    assert!(named.marker.is_some());
}

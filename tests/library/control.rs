//! The control plane in the library: pools, flavors, the catalogue.

use marconi_redis::keys::QueuePath;
use marconi_redis::{Control, ControlKind, Error, Metadata, Store};

use crate::common::{self, Server};
use crate::stage::word;

/// One of the test's own, under a prefix of its own.
async fn plane() -> Control {
    let is_plain = |c: char| c.is_ascii_alphanumeric();
    let name: String = common::a_queue().chars().filter(|c| is_plain(*c)).collect();
    let prefix: String = name.chars().rev().take(40).collect();
    let builder = Store::builder().prefix(&prefix).unwrap();
    builder
        .connect(&Server::shared().url())
        .await
        .unwrap()
        .control()
}

fn path(name: &str) -> QueuePath {
    QueuePath::new("shop/eu", name).unwrap()
}

#[tokio::test]
async fn a_pool_comes_back_as_it_was_registered_and_changes_where_it_is_told_to() {
    let plane = plane().await;
    let options = Metadata::new().with("zone", "a").unwrap();
    let create = plane
        .create_pool("east", 7, "redis://10.0.0.1")
        .flavor("ssd")
        .options(&options);
    assert!(create.clone().await.unwrap());
    assert!(!create.await.unwrap());
    let pool = plane.pool("east").await.unwrap();
    assert_eq!(
        (pool.weight, pool.flavor.as_deref(), pool.queues),
        (7, Some("ssd"), 0)
    );
    assert_eq!(
        (pool.uri.as_str(), &pool.options),
        ("redis://10.0.0.1", &options)
    );
    assert!(
        !format!("{pool:?}").contains("10.0.0.1"),
        "a uri may have a password in it"
    );

    plane.update_pool("east").weight(0).await.unwrap();
    let changed = plane.pool("east").await.unwrap();
    assert_eq!(
        (changed.weight, &changed.uri, &changed.options),
        (0, &pool.uri, &options)
    );
    plane
        .update_pool("east")
        .flavor(None)
        .uri("redis://10.0.0.2")
        .await
        .unwrap();
    assert_eq!(plane.pool("east").await.unwrap().flavor, None);
    // Created again without flavor and options it has none.
    plane
        .create_pool("east", 1, "redis://10.0.0.2")
        .await
        .unwrap();
    assert!(plane.pool("east").await.unwrap().options.is_empty());
}

#[tokio::test]
async fn each_refusal_has_its_own_name() {
    let plane = plane().await;
    plane
        .create_pool("east", 1, "redis://10.0.0.1")
        .flavor("ssd")
        .await
        .unwrap();
    let words = [
        ("POOLGONE", word(plane.pool("x").await)),
        ("POOLGONE", word(plane.update_pool("x").weight(1).await)),
        ("BADARG", word(plane.update_pool("east").await)),
        (
            "BADARG",
            word(plane.create_pool("", 1, "redis://10.0.0.3").await),
        ),
        ("BADARG", word(plane.pools().limit(0).await)),
        (
            "POOLEXISTS",
            word(plane.create_pool("west", 1, "redis://10.0.0.1").await),
        ),
        ("POOLINUSE", word(plane.delete_pool("east").await)),
        ("FLAVORGONE", word(plane.flavor("shop", "x").await)),
        (
            "FLAVORGONE",
            word(plane.update_flavor("shop", "x", &Metadata::new()).await),
        ),
        (
            "FLAVORGONE",
            word(plane.register(&path("q"), Some("ssd")).await),
        ),
        ("POOLGONE", word(plane.register(&path("q"), None).await)),
        ("NOTMAPPED", word(plane.placement(&path("q")).await)),
        (
            "NOTMAPPED",
            word(plane.move_entry(&path("q"), "east").await),
        ),
    ];
    for (at, (expected, found)) in words.into_iter().enumerate() {
        assert_eq!(found, expected, "number {at}");
    }
    let large = Metadata::new().with("x", &"y".repeat(5000)).unwrap();
    let refused = plane.create_flavor("shop", "f", &large).await.unwrap_err();
    assert!(
        matches!(refused, Error::TooLarge { queue: None, .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn pools_flavors_and_queues_are_listed_page_by_page_in_name_order() {
    let plane = plane().await;
    for name in ["c", "é", "a", "b%/{}"] {
        plane
            .create_pool(name, 1, &format!("redis://{name}"))
            .await
            .unwrap();
        plane
            .create_flavor("shop/eu", name, &Metadata::new())
            .await
            .unwrap();
        plane
            .create_flavor("shop", "other", &Metadata::new())
            .await
            .unwrap();
        plane.place(&path(name), "c").await.unwrap();
    }
    let order = ["a", "b%/{}", "c", "é"];
    let first = plane.pools().limit(3).await.unwrap();
    let rest = plane
        .pools()
        .marker(first.marker.clone().unwrap())
        .await
        .unwrap();
    let names: Vec<_> = first
        .pools
        .iter()
        .chain(&rest.pools)
        .map(|pool| &*pool.name)
        .collect();
    assert_eq!((names, rest.marker), (order.to_vec(), None));

    let first = plane.flavors("shop/eu").unwrap().limit(1).await.unwrap();
    let rest = plane
        .flavors("shop/eu")
        .unwrap()
        .marker(first.marker.clone().unwrap());
    let rest = rest.await.unwrap();
    let names: Vec<_> = first
        .flavors
        .iter()
        .chain(&rest.flavors)
        .map(|f| &*f.name)
        .collect();
    assert_eq!(names, order);

    let first = plane.catalogue("shop/eu").unwrap().limit(2).await.unwrap();
    let rest = plane
        .catalogue("shop/eu")
        .unwrap()
        .marker(first.marker.clone().unwrap());
    let rest = rest.await.unwrap();
    let entries = first.entries.iter().chain(&rest.entries);
    let names: Vec<_> = entries.map(|entry| entry.queue.as_str()).collect();
    assert_eq!(names, order);
    assert!(
        plane
            .catalogue("shop")
            .unwrap()
            .await
            .unwrap()
            .entries
            .is_empty()
    );
    assert_eq!(plane.pool("c").await.unwrap().queues, 4);
}

#[tokio::test]
async fn a_queue_is_taken_out_of_the_catalogue_only_where_it_is_on_that_pool() {
    let plane = plane().await;
    plane
        .create_pool("east", 1, "redis://10.0.0.1")
        .await
        .unwrap();
    let (placement, is_new) = plane.register(&path("q"), None).await.unwrap();
    assert_eq!((placement.pool.as_str(), is_new), ("east", true));
    assert!(!plane.register(&path("q"), None).await.unwrap().1);
    assert!(!plane.unplace(&path("q"), "west").await.unwrap());
    assert!(plane.unplace(&path("q"), "east").await.unwrap());
    assert!(!plane.unplace(&path("q"), "east").await.unwrap());
    assert!(plane.delete_pool("east").await.unwrap());
    plane.place(&path("q"), "east").await.unwrap();
    assert_eq!(
        plane.placement(&path("q")).await.unwrap().uri,
        None,
        "there is no such pool"
    );
    assert_eq!(plane.drop_all(ControlKind::Catalogue).await.unwrap(), 1);
    assert_eq!(word(plane.placement(&path("q")).await), "NOTMAPPED");
}

//! Operations that take steps on more than one server, where a line to one of them fails.

use marconi_redis::keys::QueuePath;
use marconi_redis::script::{CONTROL_CATALOGUE_DELETE, CONTROL_CATALOGUE_INSERT, DEAD_DELIVER};
use marconi_redis::{Error, Metadata, Outcome, PooledStore, Store};

use crate::common::Server;
use crate::proxy::{Fate, Proxy};

/// Two pools and a control plane, each behind a wire.
struct Wires {
    store: PooledStore,
    control: Proxy,
    east: Proxy,
    west: Proxy,
    _servers: [Server; 3],
}

impl Wires {
    async fn new() -> Wires {
        let servers = [(); 3].map(|()| Server::start_tcp(&[]));
        let control = Proxy::before(servers[0].port()).await;
        let east = Proxy::before(servers[1].port()).await;
        let west = Proxy::before(servers[2].port()).await;
        let store = PooledStore::over(&Store::connect(&control.url()).await.unwrap());
        for (name, wire) in [("east", &east), ("west", &west)] {
            let pool = store.control().create_pool(name, 1, &wire.url());
            pool.await.unwrap();
            let pool = store.pool(name).await.unwrap();
            pool.load_scripts().await.unwrap();
        }
        Wires {
            store,
            control,
            east,
            west,
            _servers: servers,
        }
    }
}

fn unknown<T>(result: Result<T, Error>) {
    let error = result.err().expect("a step that failed");
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    assert!(error.to_string().contains("OOM"), "{error}");
}

#[tokio::test]
async fn a_queue_that_was_made_or_deleted_and_is_not_noted_so_is_unknown() {
    let wires = Wires::new().await;
    let (store, control) = (&wires.store, &wires.control);
    control.fates([(CONTROL_CATALOGUE_INSERT.sha1(), Fate::Refused)]);
    unknown(store.create_queue("shop", "a").unwrap().await);
    let queue = store.queue("shop", "a").await.unwrap();
    assert!(queue.exists().await.unwrap());
    control.fates([(CONTROL_CATALOGUE_DELETE.sha1(), Fate::Refused)]);
    unknown(store.delete_queue("shop", "a").await);
    assert!(!queue.exists().await.unwrap());
    assert!(!store.delete_queue("shop", "a").await.unwrap());
    assert_eq!(control.fates_left(), []);
}

#[tokio::test]
async fn letters_that_may_have_gone_on_one_pool_are_not_called_not_done_by_another() {
    let wires = Wires::new().await;
    let (store, plane) = (&wires.store, wires.store.control());
    for name in ["orders", "failed"] {
        let path = QueuePath::new("shop", name).unwrap();
        plane.place(&path, "west").await.unwrap();
    }
    let metadata = Metadata::new()
        .with_max_claim_count(1)
        .with_dead_letter_queue("failed");
    let failed = store.create_queue("shop", "failed").unwrap();
    let (failed, _) = failed.await.unwrap();
    let orders = store.create_queue("shop", "orders").unwrap();
    let (orders, _) = orders.metadata(metadata).await.unwrap();
    orders.post("a").await.unwrap();
    let claim = orders.claim().await.unwrap().unwrap();
    wires.west.fates([(DEAD_DELIVER.sha1(), Fate::Refused)]);
    claim.release().await.unwrap();
    assert_eq!(failed.stats().await.unwrap().total, 0);

    wires.east.fates([("ZRANGE", Fate::Refused)]);
    wires.west.fates([(DEAD_DELIVER.sha1(), Fate::Foreign)]);
    unknown(store.carry_dead_letters("shop").await);
    assert_eq!(failed.stats().await.unwrap().total, 1);
    for wire in [wires.east, wires.west] {
        assert_eq!(wire.fates_left(), []);
    }
}

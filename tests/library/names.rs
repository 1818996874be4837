//! Names: anything is legal, and nothing reaches another queue.

use marconi_redis::Store;
use marconi_redis::keys::{Part, QueueName};

use crate::common::{self, Server};
use crate::stage::word;

const AWKWARD: [&str; 16] = [
    "plain", "a.b", "a/b", "a b", " ", "a%2Fb", "%", "%25", "{", "}", "{}", "a}b", "{a}:log",
    "}:log", "🦀", "queues",
];

#[tokio::test]
async fn awkward_names_keep_to_their_own_keys() {
    let server = Server::start(&[]);
    let store = Store::connect(&server.url()).await.unwrap();
    for project in AWKWARD.into_iter().chain([""]) {
        for name in AWKWARD {
            let queue = store.queue(project, name).unwrap();
            queue.post(&(project, name)).await.unwrap();
        }
    }
    let projects = store.projects().limit(250).await.unwrap().projects;
    assert_eq!(projects.len(), AWKWARD.len() + 1);
    for project in projects {
        let page = store
            .queues(project.as_str())
            .unwrap()
            .limit(250)
            .await
            .unwrap();
        let mut expected = AWKWARD.map(|name| QueueName::new(name).unwrap());
        expected.sort();
        let names: Vec<_> = page.queues.into_iter().map(|queue| queue.name).collect();
        assert_eq!(names, expected);
        for name in names {
            let queue = store.queue(project.as_str(), name.as_str()).unwrap();
            let claim = queue.claim().limit(250).await.unwrap().unwrap();
            assert_eq!(claim.messages().len(), 1);
            let body: (String, String) = claim.messages()[0].body().unwrap();
            assert_eq!((&*body.0, &*body.1), (project.as_str(), name.as_str()));
            claim.delete_all().await.unwrap();
            assert!(queue.delete().await.unwrap());
        }
    }
    // What outlives a queue stands under its own keys, too.
    assert_eq!(store.projects().await.unwrap().projects, []);
}

#[test]
fn names_that_are_none_are_refused() {
    let store = Store::builder().open("redis://127.0.0.1:1").unwrap();
    for (project, name) in [("", ""), ("", "a\nb"), ("a\0", "b"), ("", "\u{85}")] {
        assert_eq!(word(store.queue(project, name)), "BADARG");
    }
    let longest = "🦀".repeat(64);
    assert_eq!(word(store.queue(&longest, &longest)), "no error");
    assert_eq!(word(store.queue("", &format!("{longest}x"))), "BADARG");
    assert_eq!(word(store.queue(&format!("{longest}x"), "q")), "BADARG");
}

#[tokio::test]
async fn the_keys_of_a_queue_can_be_had() {
    let store = Store::connect(&Server::shared().url()).await.unwrap();
    let queue = store.queue("shop", &common::a_queue()).unwrap();
    queue.post("x").await.unwrap();
    let key = queue.keys().key(Part::Log);
    let length: u64 = redis::cmd("XLEN")
        .arg(&key)
        .query_async(&mut Server::shared().connection().await)
        .await
        .unwrap();
    assert_eq!(length, 1, "{key}");
}

//! How new queues spread over the pools.
//!
//! Guards the shares by weight, and that two who register one queue at once are told the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Barrier};

use redis::{Value, from_redis_value};

use crate::args;
use crate::client::Client;
use crate::common;
use crate::rng::Rng;

/// Pools of no flavor with these weights.
fn with_pools(server: &common::Server, weights: &[(&str, u64)]) -> Client {
    let mut client = Client::new(server);
    for (name, weight) in weights {
        let uri = format!("redis://{name}");
        let args = args![name, "weight", weight, "uri", uri];
        client.done("control/pool/create", args);
    }
    client
}

/// 1 where it was new, and the pool.
fn register(client: &mut Client, queue: &str, random: u64) -> (u64, String) {
    let reply = client.done("control/catalogue/register", args!["p", queue, "", random]);
    let (new, pool, _, _): (u64, String, Value, Value) = from_redis_value(reply).expect("a pool");
    (new, pool)
}

#[test]
fn each_pool_gets_its_share_of_the_new_queues() {
    let server = common::Server::start(&[]);
    let weights = [("a", 1), ("b", 0), ("c", 5), ("d", 2)];
    let mut client = with_pools(&server, &weights);
    let mut rng = Rng::new(20_141_109);
    let (draws, mut got) = (4000, BTreeMap::new());
    for draw in 0..draws {
        let random = rng.between(0, 4_294_967_295);
        let (_, pool) = register(&mut client, &format!("drawn {draw}"), random);
        *got.entry(pool).or_insert(0) += 1;
    }
    for (name, weight) in weights {
        let share = draws as f64 * weight as f64 / 8.0;
        let off = (f64::from(got.get(name).copied().unwrap_or(0)) - share).abs();
        // Four times what such a draw is off by as a rule.
        let bound = 4.0 * (share * (1.0 - weight as f64 / 8.0)).sqrt();
        assert!(off <= bound, "{name} is off by {off}, of {share}: {got:?}");
    }
}

#[test]
fn what_is_drawn_falls_between_the_weights_in_the_order_of_the_names() {
    let server = common::Server::start(&[]);
    let mut client = with_pools(&server, &[("b", 2), ("B", 1), ("é", 1), ("a", 0)]);
    let quarter = 1 << 30;
    let borders = [
        0,
        1,
        quarter - 1,
        quarter,
        3 * quarter - 1,
        3 * quarter,
        4 * quarter - 1,
    ];
    let pools = ["B", "B", "B", "b", "b", "é", "é"];
    for (at, (random, pool)) in borders.into_iter().zip(pools).enumerate() {
        let queue = format!("at the border {at}");
        assert_eq!(
            register(&mut client, &queue, random),
            (1, pool.into()),
            "{random}"
        );
    }
}

#[test]
fn two_who_register_one_queue_at_once_are_told_the_same_pool() {
    let server = common::Server::start(&[]);
    with_pools(&server, &[("a", 1), ("b", 1)]);
    let (rounds, barrier) = (300, Arc::new(Barrier::new(2)));
    let racers = [0, 4_294_967_295].map(|random| {
        let mut client = Client::new(&server);
        let barrier = Arc::clone(&barrier);
        std::thread::spawn(move || {
            let race = |round| {
                barrier.wait();
                register(&mut client, &format!("raced {round}"), random)
            };
            (0..rounds).map(race).collect::<Vec<_>>()
        })
    });
    let [low, high] = racers.map(|racer| racer.join().expect("a racer"));
    let mut firsts = 0;
    for ((low_new, low_pool), (high_new, high_pool)) in low.into_iter().zip(high) {
        assert_eq!(low_pool, high_pool);
        assert_eq!(low_new + high_new, 1, "one of them made it");
        assert_eq!(low_pool, if low_new == 1 { "a" } else { "b" });
        firsts += low_new;
    }
    let mut client = Client::new(&server);
    let counts = ["a", "b"].map(|pool| {
        let reply = client.done("control/pool/get", args![pool]);
        let (_, _, _, _, queues): (u64, String, String, Value, u64) =
            from_redis_value(reply).expect("a pool");
        queues
    });
    assert_eq!(counts, [firsts, rounds - firsts]);
}

//! Random operations on topics, and on queues of the same names, beside a model of a few lines.
//!
//! Guards topics as a whole: each answer is the model's, to the ms, in whatever order they come, and no
//! queue is touched by them. `MARCONI_SEED` and `MARCONI_OPERATIONS` set which run it is; every failure
//! says how to repeat it.

#[path = "../common/mod.rs"]
mod common;
#[path = "../model/rng.rs"]
mod rng;

mod beside;
mod deleting;
mod listing;
mod managing;
mod model;
mod posting;
mod reading;
mod world;

use deleting::End;
use world::World;

/// So many make a run; the floors of [`World::demand_enough`] are for that many.
const OPERATIONS: u64 = 12_000;

fn number(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => otherwise,
    }
}

/// One operation, by how often each comes of a hundred.
async fn step(world: &mut World) {
    world.pass_time();
    let at = world.rng.below(world.places.len());
    match world.rng.below(100) {
        0..=21 => world.post(at).await,
        22..=25 => world.post_again(at).await,
        26..=36 => world.list(at).await,
        37..=42 => world.get(at).await,
        43..=46 => world.get_many(at).await,
        47..=50 => world.first(at).await,
        51..=54 => world.delete_one(at).await,
        55..=58 => world.delete_many(at).await,
        59..=63 => world.stats(at).await,
        64 => world.end_between_posts(at, End::Purge).await,
        65..=68 => world.create(at).await,
        69..=71 => world.set(at).await,
        72..=73 => world.metadata(at).await,
        74 => world.exists(at).await,
        75..=76 => world.delete_topic(at).await,
        77 => world.end_between_posts(at, End::Delete).await,
        78..=84 => world.list_topics(at).await,
        85 => world.clear_away(at).await,
        86..=87 => world.check(at).await,
        _ => world.beside(at).await,
    }
}

#[tokio::test]
async fn random_operations_on_topics_and_queues_of_their_names_answer_as_the_model_does() {
    let seed = number("MARCONI_SEED", 20_141_109);
    let operations = number("MARCONI_OPERATIONS", OPERATIONS);
    println!("MARCONI_SEED={seed} MARCONI_OPERATIONS={operations}");
    let server = common::Server::start(&[]);
    let mut world = World::new(&server, seed).await;
    for _ in 0..operations {
        step(&mut world).await;
    }
    world.delete_everything(&server).await;
    for (what, count) in &world.seen {
        println!("{count:6} {what}");
    }
    if operations >= OPERATIONS {
        world.demand_enough();
    }
}

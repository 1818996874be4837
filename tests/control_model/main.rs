//! Random operations on the scripts of the control plane, against a model in memory: every reply, every
//! refusal and all that is stored have to be the same.
//!
//! Guards pools, flavors and catalogue where they meet. `MARCONI_SEED` and `MARCONI_OPERATIONS` set
//! which run it is; what is printed says how to repeat it.

#[path = "../common/mod.rs"]
mod common;
#[path = "../model/rng.rs"]
mod rng;

mod bad_input;
mod catalogue;
mod check;
mod client;
mod crowd;
mod flavors;
mod full;
mod plane;
mod pools;
mod shares;
mod world;

use world::World;

type Operation = fn(&mut World);

/// How often each operation comes, of the sum of these numbers.
const OPERATIONS: &[(u64, Operation)] = &[
    (60, World::create_pool),
    (60, World::update_pool),
    (60, World::delete_pool),
    (40, World::get_pool),
    (60, World::list_pools),
    (40, World::create_flavor),
    (20, World::update_flavor),
    (15, World::delete_flavor),
    (20, World::get_flavor),
    (30, World::list_flavors),
    (150, World::register),
    (60, World::insert),
    (60, World::find),
    (40, World::list_catalogue),
    (130, World::remove),
    (2, World::drop_some),
    (30, World::check),
    (60, World::bad_input),
    (10, World::later_schema),
];

fn number(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => otherwise,
    }
}

#[test]
fn scripts_and_model_agree_over_random_operations() {
    let seed = number("MARCONI_SEED", 20_141_109);
    let operations = number("MARCONI_OPERATIONS", 12_000);
    println!("MARCONI_SEED={seed} MARCONI_OPERATIONS={operations}");
    let server = common::Server::start(&[]);
    let mut world = World::new(&server, seed);
    let sum: u64 = OPERATIONS.iter().map(|(often, _)| often).sum();
    for _ in 0..operations {
        let mut ticket = world.rng.between(1, sum);
        let chosen = OPERATIONS.iter().find(|(often, _)| {
            ticket = ticket.saturating_sub(*often);
            ticket == 0
        });
        chosen.expect("an operation").1(&mut world);
    }
    for ((script, word), count) in &world.answers {
        println!("{script:28} {word:14} {count}");
    }
    if operations >= 12_000 {
        world.demand_enough();
    }
}

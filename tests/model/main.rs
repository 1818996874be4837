//! Random operations on the scripts, against a model of spec.md in memory: every reply and every
//! count has to be the same.
//!
//! Guards the contract as a whole, where operations meet. `MARCONI_SEED` and `MARCONI_OPERATIONS` set
//! which run it is; what is printed says how to repeat it.

#[path = "../common/mod.rs"]
mod common;

mod audit;
mod choose;
mod claiming;
mod client;
mod deleting;
mod envelope;
mod flood;
mod hostile;
mod large;
mod letters;
mod managing;
mod movers;
mod outliving;
mod posting;
mod queue;
mod reading;
mod reply;
mod report;
mod rng;
mod rules;
mod sending;
mod taking;
mod waking;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

use world::World;

type Operation = fn(&mut World, usize);

/// How often each operation comes, of the sum of these numbers.
const OPERATIONS: &[(u64, Operation)] = &[
    (170, World::post),
    (170, World::claim),
    (30, World::claim_get),
    (50, World::renew),
    (30, World::release),
    (80, World::nack),
    (70, World::delete),
    (45, World::bulk_delete),
    (25, World::pop),
    (20, World::get),
    (50, World::list),
    (20, World::first),
    (30, World::stats),
    (3, World::purge),
    (3, World::purge_between_posts),
    (4, World::delete_queue),
    (6, World::make_again),
    (12, World::create),
    (20, World::set),
    (5, World::queue_get),
    (5, World::exists),
    (40, World::transit),
    (40, |world, _| world.resume_mover()),
    (20, |world, q| {
        world.sweep_a_little(q);
    }),
    (30, World::redrive),
    (30, World::send_back),
    (15, World::dead_list),
    (10, World::dead_get),
    (6, World::dead_purge),
    (8, World::deliver_from_elsewhere),
    (55, World::bad_input),
    (18, World::list_all),
    (15, World::get_all),
    (8, World::check),
    (6, |world, _| world.nothing_is_lost()),
    (12, World::empty_and_wait),
    (3, World::die_again),
    (1, |world, q| {
        if world.rng.percent(40) {
            world.large_pages(q);
        }
    }),
    (1, |world, q| {
        if world.rng.percent(20) {
            world.flood(q);
        }
    }),
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
    let operations = number("MARCONI_OPERATIONS", 20_000);
    println!("MARCONI_SEED={seed} MARCONI_OPERATIONS={operations}");
    let server = common::Server::start(&[]);
    let began = Instant::now();
    let mut world = World::new(&server, seed);
    let sum: u64 = OPERATIONS.iter().map(|(often, _)| often).sum();
    for step in 0..operations {
        let done = catch_unwind(AssertUnwindSafe(|| {
            world.pass_time();
            let mut ticket = world.rng.between(1, sum);
            let chosen = OPERATIONS.iter().find(|(often, _)| {
                ticket = ticket.saturating_sub(*often);
                ticket == 0
            });
            let q = world.pick_queue();
            world.at = q;
            chosen.expect("an operation").1(&mut world, q);
            world.check_waiting();
        }));
        if let Err(cause) = done {
            report::failure(&world, seed, step);
            resume_unwind(cause);
        }
    }
    report::table(&world, began.elapsed());
    if operations >= 20_000 {
        report::demand_enough(&world);
    }
}

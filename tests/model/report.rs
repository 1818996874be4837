//! What a run prints.
//!
//! Guards its breadth: a script or an error word that hardly came was not tested.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use marconi_redis::script::ALL;

use crate::world::World;

/// How to repeat a failure, and what led to it.
pub fn failure(world: &World, seed: u64, step: u64) {
    println!(
        "failed: MARCONI_SEED={seed}, step {step}, now {}, queue {:?}",
        world.now, world.queues[world.at].name
    );
    for (q, queue) in world.queues.iter().enumerate() {
        if q != world.at {
            continue;
        }
        println!("queue {:?}: {:?}", queue.name, queue.reserved);
        let first = queue.history.len().saturating_sub(20);
        for line in queue.history.iter().skip(first) {
            let line: String = line.chars().take(1500).collect();
            println!("  {line}");
        }
    }
}

/// The error words in a script's header.
fn words_of(source: &str) -> BTreeSet<&str> {
    let errors = source.split("-- ERRORS\n").nth(1).unwrap_or_default();
    let lines = errors.lines().take_while(|line| line.starts_with("--   "));
    let line = lines.take(1);
    line.flat_map(|line| line[5..].split(' ')).collect()
}

fn words(world: &World) -> BTreeMap<&str, u64> {
    let mut words: BTreeMap<&str, u64> = BTreeMap::new();
    for script in ALL.iter().filter(|script| is_modelled(script.name())) {
        for word in words_of(script.source()) {
            words.entry(word).or_default();
        }
    }
    for ((_, word), count) in &world.client.refusals {
        *words.entry(word).or_default() += count;
    }
    words
}

pub fn table(world: &World, took: Duration) {
    for script in ALL {
        let name = script.name();
        let calls = world.client.calls.get(name).copied().unwrap_or_default();
        let refusals = world.client.refusals.iter();
        let refusals = refusals.filter(|((script, _), _)| *script == name);
        let refusals: Vec<_> = refusals
            .map(|((_, word), count)| format!("{word} {count}"))
            .collect();
        println!("{name:14} {calls:7}  {}", refusals.join(", "));
    }
    let words: Vec<_> = words(world)
        .iter()
        .map(|(word, count)| format!("{word} {count}"))
        .collect();
    println!("{}", words.join(", "));
    println!(
        "{} began to wait; published {} times 0, {} times a time; {} notes were old; {} letters set out again",
        world.waits, world.said.0, world.said.1, world.notes_taken, world.set_out_again
    );
    println!(
        "{} calls were watched for changes; {:.1} s",
        world.client.watched,
        took.as_secs_f64()
    );
}

/// Fails where something came too rarely.
pub fn demand_enough(world: &World) {
    for script in ALL.iter().filter(|script| is_modelled(script.name())) {
        let calls = world
            .client
            .calls
            .get(script.name())
            .copied()
            .unwrap_or_default();
        assert!(calls >= 20, "{} ran {calls} times only", script.name());
        for word in words_of(script.source()) {
            let key = (script.name(), word.to_owned());
            assert!(
                world.client.refusals.contains_key(&key),
                "{key:?} never came"
            );
        }
    }
    let counts = [
        ("waits", world.waits),
        ("wakes at once", world.said.0),
        ("wakes at a time", world.said.1),
        ("old notes", world.notes_taken),
        ("letters that set out again", world.set_out_again),
    ];
    for (what, count) in counts {
        assert!(count >= 20, "{count} {what} only");
    }
    for (word, count) in words(world) {
        assert!(count >= 20, "{word} came {count} times only");
    }
}

/// Those of the control plane and of subscriptions have models of their own.
fn is_modelled(script: &str) -> bool {
    !script.starts_with("control/") && !script.starts_with("subscription/")
}

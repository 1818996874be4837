//! Each script, fed what it must not take: answers with an error word of its header, and changes
//! nothing.
//!
//! Guards the data against callers in any language. What is tried comes from `lua/manifest.json`, so
//! that a new script or argument is tried too. `MARCONI_SERVERS`, a list with colons, names servers
//! to try it on besides.

#[path = "../common/mod.rs"]
mod common;

mod arguments;
mod calls;
mod control;
mod fields;
mod flaws;
mod prose;
mod rig;
mod states;
mod stored;
mod types;
mod values;

use calls::{Manifest, good_call};
use marconi_redis::script::ALL;
use rig::{Answer, LATER, NOW, Rig, Words};

/// A rig whose queue is as the case wants it.
fn furnished(server: &common::Server) -> Rig {
    let mut rig = Rig::new(server, "hostile");
    rig.furnish();
    rig
}

/// One call that has to be refused; answers the refusal's word and text.
fn refused(answer: Answer, case: &str, errors: &[String]) -> (String, String) {
    match answer {
        Ok(reply) => panic!("{case}: {reply:?} instead of a refusal"),
        Err((word, detail)) => {
            assert!(
                errors.contains(&word),
                "{case}: {word} {detail}, not in the header"
            );
            (word, detail)
        }
    }
}

#[test]
fn a_call_without_a_flaw_goes_through() {
    let manifest = Manifest::read();
    for script in ALL {
        for late in [false, true] {
            let server = common::Server::start(&[]);
            let mut rig = furnished(&server);
            let now = if late { LATER } else { NOW };
            rig.sweep(now);
            let args = good_call(script.name(), now, &rig);
            let answer = rig.call(script.name(), &args);
            match answer {
                Ok(_) => {}
                Err((word, _)) if late && word == "CLAIMGONE" => {}
                Err(refusal) => panic!("{}: {refusal:?}", script.name()),
            }
        }
        assert!(manifest.script(script.name()).errors.len() > 1);
    }
}

#[test]
fn every_script_refuses_a_wrong_number_of_keys_or_arguments() {
    let server = common::Server::start(&[]);
    let mut rig = furnished(&server);
    let manifest = Manifest::read();
    for script in ALL {
        let entry = manifest.script(script.name());
        let good = good_call(script.name(), NOW, &rig);
        let keys = rig.keys_of(script);
        let more_keys = [&keys[..], &[keys[0].clone()]].concat();
        let mut cases: Vec<(Vec<String>, Words)> = vec![
            (keys[1..].to_vec(), good.clone()),
            (more_keys, good.clone()),
            (Vec::new(), good.clone()),
            (Vec::new(), Words::new()),
        ];
        for fewer in 0..entry.fewest_arguments() {
            cases.push((keys.clone(), good[..fewer].to_vec()));
        }
        // One more of what repeats is a good call; half a group of them is not.
        if !entry.repeats() || entry.group() > 1 {
            cases.push((keys.clone(), [good.clone(), vec![b"1".to_vec()]].concat()));
        }
        let before = rig.digest();
        for (keys, args) in cases {
            let case = format!(
                "{} with {} keys and {} arguments",
                script.name(),
                keys.len(),
                args.len()
            );
            let (word, detail) = refused(rig.call_with(script, &keys, &args), &case, &entry.errors);
            assert_eq!(word, "BADARG", "{case}: {detail}");
            assert!(detail.starts_with("call: "), "{case}: {detail}");
        }
        assert_eq!(
            rig.digest(),
            before,
            "{} has changed something",
            script.name()
        );
    }
}

/// The other tests of this file, once more for each server that is named.
#[test]
fn the_same_holds_on_every_server_that_is_named() {
    let Some(servers) = std::env::var_os("MARCONI_SERVERS") else {
        return;
    };
    let this = std::env::current_exe().expect("this program");
    for server in std::env::split_paths(&servers) {
        let run = std::process::Command::new(&this)
            .env("MARCONI_SERVER", &server)
            .env_remove("MARCONI_SERVERS")
            .output();
        let run = run.expect("this program, once more");
        let output = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "on {}: {output}", server.display());
    }
}

//! Each script, fed what it must not take: answers with an error word of its header, and changes
//! nothing.
//!
//! Guards the data against callers in any language. What is tried comes from `lua/manifest.json`, so
//! that a new script or argument is tried too. `MARCONI_SERVERS`, a list with colons, names servers
//! to try it on besides.

#[path = "../common/mod.rs"]
mod common;

mod calls;
mod flaws;
mod rig;

use calls::{Argument, Manifest, good_call};
use marconi_redis::keys::Part;
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

#[test]
fn every_script_refuses_each_argument_that_is_wrong() {
    let server = common::Server::start(&[]);
    let mut rig = furnished(&server);
    let manifest = Manifest::read();
    let mut tried = 0;
    for script in ALL {
        let entry = manifest.script(script.name());
        for now in [NOW, LATER] {
            let good = good_call(script.name(), now, &rig);
            let before = rig.digest();
            for at in 0..good.len() {
                let argument = entry.argument(at);
                for flaw in flaws::of(script.name(), argument) {
                    let mut args = good.clone();
                    args[at] = flaw.value.clone();
                    let case = format!(
                        "{} {}={:?}",
                        script.name(),
                        argument.name,
                        String::from_utf8_lossy(&flaw.value)
                    );
                    let case: String = case.chars().take(200).collect();
                    tried += 1;
                    let answer = rig.call(script.name(), &args);
                    if flaw.words.is_empty() {
                        // Malformed ids are gone, and nothing else is wrong.
                        assert!(answer.is_ok(), "{case}: {answer:?}");
                    } else {
                        let (word, detail) = refused(answer, &case, &entry.errors);
                        assert!(flaw.words.contains(&&*word), "{case}: {word} {detail}");
                        let named = detail.starts_with(&format!("{}: ", flaw.names));
                        assert!(
                            named || word != "BADARG",
                            "{case}: {detail} does not name {}",
                            flaw.names
                        );
                    }
                    assert_eq!(rig.digest(), before, "{case} has changed something");
                }
            }
        }
    }
    println!("{tried} calls");
    assert!(tried > 1500, "{tried} calls only");
}

/// How a queue may be when a call finds one of its keys to be of another type.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Case {
    /// Something in every part; nothing overdue.
    Furnished,
    /// The same, but much is overdue.
    Late,
    /// Messages as usual only, which is where scripts look at few keys.
    Plain,
    /// There is no queue.
    Missing,
}

#[test]
fn every_script_refuses_a_key_of_another_type() {
    let server = common::Server::start(&[]);
    let manifest = Manifest::read();
    for case in [Case::Furnished, Case::Late, Case::Plain, Case::Missing] {
        let mut rig = in_state(&server, case);
        for script in ALL {
            for part in script.keys() {
                for (kind, make) in flaws::OTHER_TYPES {
                    let key = rig.keys.key(*part);
                    if part_type(*part) == *kind {
                        continue;
                    }
                    let aside = format!("{key}.aside");
                    let stood = rig.command(&["EXISTS", &key]) == redis::Value::Int(1);
                    if stood {
                        rig.command(&["RENAME", &key, &aside]);
                    }
                    let make: Vec<_> = make
                        .iter()
                        .map(|word| if *word == "KEY" { &*key } else { word })
                        .collect();
                    rig.command(&make);
                    let before = rig.digest();
                    let of_key = rig.command(&["DEBUG", "DIGEST-VALUE", &key]);
                    let args = good_call(
                        script.name(),
                        if case == Case::Late { LATER } else { NOW },
                        &rig,
                    );
                    let answer = rig.call(script.name(), &args);
                    let told = format!(
                        "{} with a {kind} as {part}, {case:?}: {answer:?}",
                        script.name()
                    );
                    let untouched = rig.command(&["DEBUG", "DIGEST-VALUE", &key]) == of_key;
                    assert!(untouched, "{told}, and has written to it");
                    if case == Case::Plain && answer.is_ok() {
                        // It did not need that key, and has done its work.
                        rig.command(&["DEL", &key]);
                        if stood {
                            rig.command(&["RENAME", &aside, &key]);
                        }
                        rig.check();
                        rig = in_state(&server, case);
                        continue;
                    }
                    assert_eq!(rig.digest(), before, "{told}, and has changed something");
                    if case != Case::Missing || answer.is_err() {
                        let errors = &manifest.script(script.name()).errors;
                        let (word, _) = refused(answer, &told, errors);
                        let may_be = match case {
                            Case::Late => word == "MORE",
                            Case::Missing => word.ends_with("GONE"),
                            _ => false,
                        };
                        assert!(word == "BADARG" || may_be, "{told}");
                    }
                    rig.command(&["DEL", &key]);
                    if stood {
                        rig.command(&["RENAME", &aside, &key]);
                    }
                }
            }
        }
    }
}

fn in_state(server: &common::Server, case: Case) -> Rig {
    let mut rig = Rig::new(server, "hostile");
    rig.command(&["FLUSHALL"]);
    match case {
        Case::Furnished | Case::Late => rig.furnish(),
        Case::Plain => rig.furnish_plainly(),
        Case::Missing => {
            for name in ["held", "free"] {
                rig.ids.insert(name, "5-0".into());
            }
        }
    }
    rig
}

/// The type that a part is to have, as `TYPE` says it.
fn part_type(part: Part) -> &'static str {
    match part {
        Part::Log | Part::Outbox | Part::Dead => "stream",
        Part::Claims | Part::Returned | Part::Delayed | Part::Expiry => "zset",
        Part::Meta
        | Part::Held
        | Part::Tries
        | Part::Tokens
        | Part::TokensBefore
        | Part::Taken
        | Part::Floor => "hash",
        part => panic!("{part} is of no known type"),
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

/// What the whole manifest says of the argument at this place of a call.
impl calls::Entry {
    fn argument(&self, at: usize) -> &Argument {
        let fixed = self
            .args
            .iter()
            .filter(|argument| !argument.repeated)
            .count();
        if at < fixed {
            return &self.args[at];
        }
        &self.args[fixed + (at - fixed) % self.group()]
    }
}

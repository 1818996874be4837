//! Keys of another type than their part has.
//!
//! Guards that a script notices before it writes.

use marconi_redis::keys::Part;
use marconi_redis::script::ALL;

use crate::calls::{Manifest, good_call};
use crate::states::{Case, in_state};
use crate::values::OTHER_TYPES;
use crate::{common, refused};

/// What the call of a script does not touch although the queue has something in every part.
const NOT_NEEDED: [(&str, Part); 2] = [("delete", Part::Returned), ("delete", Part::Delayed)];

#[test]
fn every_script_refuses_a_key_of_another_type() {
    let server = common::Server::start(&[]);
    let manifest = Manifest::read();
    for case in Case::ALL {
        let mut rig = in_state(&server, case);
        for script in ALL {
            for part in script.keys() {
                for (kind, make) in OTHER_TYPES {
                    let key = rig.key(*part);
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
                    let args = good_call(script.name(), case.now(), &rig);
                    let answer = rig.call(script.name(), &args);
                    let told = format!(
                        "{} with a {kind} as {part}, {case:?}: {answer:?}",
                        script.name()
                    );
                    let untouched = rig.command(&["DEBUG", "DIGEST-VALUE", &key]) == of_key;
                    assert!(untouched, "{told}, and has written to it");
                    let may_pass =
                        case == Case::Plain || NOT_NEEDED.contains(&(script.name(), *part));
                    if may_pass && answer.is_ok() {
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

/// The type that a part is to have, as `TYPE` says it.
fn part_type(part: Part) -> &'static str {
    match part {
        Part::Log | Part::Outbox | Part::Dead => "stream",
        Part::Claims
        | Part::Returned
        | Part::Delayed
        | Part::Expiry
        | Part::SubscriptionIds
        | Part::SubscriptionExpiry
        | Part::FlavorNames
        | Part::CatalogueNames
        | Part::TopicCatalogueNames => "zset",
        Part::Meta
        | Part::Held
        | Part::Tries
        | Part::Tokens
        | Part::TokensBefore
        | Part::Taken
        | Part::Floor
        | Part::Subscriptions
        | Part::Subscribers
        | Part::State
        | Part::Pools
        | Part::PoolQueues
        | Part::Flavors
        | Part::Catalogue
        | Part::TopicCatalogue => "hash",
        part => panic!("{part} is of no known type"),
    }
}

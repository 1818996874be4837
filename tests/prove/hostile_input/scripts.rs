//! Plain calls of the scripts, as any program may make them, on keys that were damaged before.
//!
//! Guards that an error reply means that nothing was changed, whatever the keys held.

use marconi_redis::script::{ALL, Script};

use super::bytes;
use super::calls::{Entry, Manifest, good_call};
use super::case::{Area, Ledger, Wanted};
use super::flaws;
use super::rig::{Answer, Rig, Words};
use super::stage::{Setting, Stage};
use crate::rng::Rng;
use crate::words;

pub fn run(wanted: &Wanted, stage: &mut Stage) -> Ledger {
    let manifest = Manifest::read();
    let mut ledger = Ledger::default();
    for number in wanted.numbers(Area::Scripts) {
        let mut rng = wanted.rng(Area::Scripts, number);
        let setting = stage.set(&mut rng);
        let mut at = At {
            before: setting.digest.clone(),
            setting,
            stage,
            number,
            ledger: &mut ledger,
        };
        for _ in 0..Area::Scripts.calls() {
            let script = ALL[rng.below(ALL.len())];
            let entry = manifest.script(script.name());
            let args = arguments(&mut rng, script, &at.stage.rig, entry, at.setting.now);
            if at.call(script, entry, &args) == Told::Sweep {
                let sweep = Script::by_name("sweep").expect("a script");
                let now = words![at.setting.now, "", ""];
                at.call(sweep, manifest.script("sweep"), &now);
                at.call(script, entry, &args);
            }
        }
    }
    ledger
}

#[derive(PartialEq)]
enum Told {
    Done,
    Refused,
    /// MORE: nothing was done, and the caller is to sweep.
    Sweep,
}

/// Where a case is.
struct At<'a> {
    setting: Setting,
    stage: &'a mut Stage,
    number: u64,
    /// Of all that the server holds.
    before: String,
    ledger: &'a mut Ledger,
}

impl At<'_> {
    fn call(&mut self, script: &Script, entry: &Entry, args: &Words) -> Told {
        self.ledger.try_one();
        let answer = answer(&mut self.stage.rig, script, args);
        if matches!(&answer, Err((word, _)) if word == NO_TEXT) {
            self.stage.reconnect();
        }
        if matches!(&answer, Err((word, _)) if word == HANGS) {
            *self.stage = Stage::new();
        }
        let after = self.stage.digest();
        let changed = after != self.before;
        self.before = after;
        let told = match &answer {
            Ok(_) => Told::Done,
            Err((word, _)) if word == "MORE" => Told::Sweep,
            Err(_) => Told::Refused,
        };
        for damage in &self.setting.damages {
            self.ledger
                .meet(Area::Scripts, damage, script.name(), answer.is_ok());
        }
        if self.setting.damages.is_empty() {
            self.ledger
                .meet(Area::Scripts, "none", script.name(), answer.is_ok());
        }
        self.judge(script, entry, args, &answer, changed);
        told
    }

    fn judge(
        &mut self,
        script: &Script,
        entry: &Entry,
        args: &Words,
        answer: &Answer,
        changed: bool,
    ) {
        let Setting { damages, case, .. } = &self.setting;
        let mut wrong = Vec::new();
        match answer {
            Ok(_) if changed && !script.writes() => {
                wrong.push("a script that only reads has written")
            }
            Ok(_) => {}
            Err((word, detail)) => {
                // An id was given, and its message taken back: nothing else is changed.
                let is_taken_back = detail.starts_with(TAKEN_BACK);
                if word == HANGS {
                    wrong.push("no reply");
                } else if changed && !is_taken_back {
                    wrong.push("an error, and something was changed");
                }
                if word == NO_TEXT {
                    let bytes = args.iter().any(|arg| std::str::from_utf8(arg).is_err());
                    if !bytes {
                        wrong.push("an error that is no text");
                    }
                } else if word == "ERR" {
                    // The server's own words, as where a stored number is none: told, and not forbidden.
                } else if !entry.errors.contains(word) && word != "MORE" && word != HANGS {
                    wrong.push("a word that is not in the header");
                }
                self.ledger
                    .count(format!("scripts, on damaged keys: {word}"));
            }
        }
        for what in wrong {
            let args: Vec<_> = args
                .iter()
                .map(|arg| String::from_utf8_lossy(arg))
                .collect();
            let told = format!("{} {case:?} {damages:?} {answer:?} {args:?}", script.name());
            self.ledger
                .violation(Area::Scripts, self.number, what, &told);
        }
    }
}

/// In place of the word of an error reply that the client can't read.
const NO_TEXT: &str = "NOTEXT";

/// What is said where the second message of a post could not have an id.
const TAKEN_BACK: &str = "log: its last id is past";

/// In place of the word of a reply that does not come.
const HANGS: &str = "HANGS";

fn answer(rig: &mut Rig, script: &Script, args: &Words) -> Answer {
    let keys = rig.keys_of(script);
    let mut call = redis::cmd("EVALSHA");
    call.arg(script.sha1()).arg(keys.len()).arg(keys).arg(args);
    call.query(&mut rig.connection).map_err(|error| {
        let text = || error.detail().unwrap_or_default().to_owned();
        match error.code() {
            Some(word) => (word.to_owned(), text()),
            None if error.is_timeout() => (HANGS.to_owned(), error.to_string()),
            None => (NO_TEXT.to_owned(), error.to_string()),
        }
    })
}

/// Those of a good call; in four of ten cases something is wrong with one of them.
fn arguments(rng: &mut Rng, script: &Script, rig: &Rig, entry: &Entry, now: u64) -> Words {
    let mut args = good_call(script.name(), now, rig);
    if args.is_empty() || rng.percent(60) {
        return args;
    }
    let at = rng.below(args.len());
    match rng.below(5) {
        0 => args[at] = bytes::text(rng).into_bytes(),
        1 => args[at] = bytes::mutated(rng, &args[at]),
        2 => args[at] = bytes::envelope(rng),
        3 => args.truncate(at),
        _ => {
            let flaws = flaws::of(script.name(), entry.argument(at));
            if let Some(flaw) = flaws.get(rng.below(flaws.len().max(1))) {
                args[at].clone_from(&flaw.value);
            }
        }
    }
    args
}

//! Operations over a connection that loses things, and the truth of what was said of each.
//!
//! Guards the three-way answer: what is there is looked up on the server by another way, when all that was under way has
//! come or never will.

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use marconi_redis::{Outcome, Result, Store};
use tokio::runtime::Runtime;

use super::fault::{ALONE, SHARED};
use super::middle::Middle;
use super::tally::Tally;
use crate::crashes::deeds::{Deed, Repeat};
use crate::crashes::rehearsal::Rehearsal;
use crate::crashes::stage::{DEADLINE, LATE, NOW, Stage};
use crate::rng::Rng;

/// Short, so that an outage outlasts it.
const LOSSY_DEADLINE: Duration = Duration::from_millis(300);

/// How many calls are under way at once where a connection is shared.
const AT_ONCE: usize = 4;

/// What was said of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    Answered,
    NotDone,
    Done,
    Unknown,
}

/// What was found of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    Nothing,
    All,
    /// More than once, by the middle's doing.
    Twice,
}

impl Said {
    pub fn says(self) -> &'static str {
        match self {
            Said::Answered => "answered",
            Said::NotDone => "said to be not done",
            Said::Done => "said to be done, with an answer of no use",
            Said::Unknown => "said to be unknown",
        }
    }
}

impl Found {
    pub fn says(self) -> &'static str {
        match self {
            Found::Nothing => "not there",
            Found::All => "there",
            Found::Twice => "there twice, since the middle sent it twice",
        }
    }
}

pub struct Rehearsed {
    pub deed: &'static Deed,
    pub rehearsal: Rehearsal,
}

struct Trial<'a> {
    of: &'a Rehearsed,
    project: String,
    said: Result<String>,
    /// Something happened to it on its way.
    was_hit: bool,
}

/// One client's operations, on a connection of its own or several at once on a shared one.
pub fn run(server: &Path, seed: u64, client: usize, count: usize, all: &[Rehearsed]) -> Tally {
    let mut rng = Rng::of_stream(seed, client as u64);
    let is_shared = client % 4 == 3;
    let faults = if is_shared { SHARED } else { ALONE };
    let middle = Middle::before(server, Rng::of_stream(seed, 1000 + client as u64), faults);
    let direct = format!("unix://{}", server.display());
    let mut tally = Tally::default();
    let mut trials = Vec::new();
    let runtime = runtime();
    let store = Store::builder().deadline(LOSSY_DEADLINE);
    let store = store.client("prove").expect("a good id");
    let store = store.open(&middle.url()).expect("a good url").at(NOW);
    let step = if is_shared { AT_ONCE } else { 1 };
    for number in (0..count).step_by(step) {
        let mut group = Vec::new();
        for place in 0..step {
            let of = &all[rng.below(all.len())];
            let project = format!("client-{client}-{}", number + place);
            let stage = Stage::at(&direct, DEADLINE, &project, NOW);
            if let Err(error) = runtime.block_on((of.deed.before)(&stage)) {
                tally.failures.push(format!("{}: {error}", of.deed.name));
                continue;
            }
            let stage = Stage::over(&store, LOSSY_DEADLINE, &middle.url(), &project);
            group.push((of, project, stage));
        }
        let before = middle.hits();
        let acts = group.iter().map(|(of, _, stage)| (of.deed.act)(stage));
        let said = runtime.block_on(join_all(acts));
        let was_hit = middle.hits() > before;
        let done = group.into_iter().zip(said);
        trials.extend(done.map(|((of, project, _), said)| Trial {
            of,
            project,
            said,
            was_hit,
        }));
    }
    // All connections go with these.
    drop((runtime, store));
    middle.settle();
    look(&direct, &middle, &trials, &mut tally);
    tally.faults = middle.counts();
    tally
}

fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime")
}

fn look(direct: &str, middle: &Middle, trials: &[Trial], tally: &mut Tally) {
    let runtime = runtime();
    let store = Store::builder().client("prove").expect("a good id");
    let store = store.open(direct).expect("a good url").at(NOW);
    for trial in trials {
        let stage = Stage::over(&store, DEADLINE, direct, &trial.project);
        let name = trial.of.deed.name;
        let mut wrong = Vec::new();
        if let Err(error) = runtime.block_on(trial.look(&stage, middle, tally, &mut wrong)) {
            tally.failures.push(format!("{name}: {error}"));
        }
        let said = &trial.said;
        let told = wrong
            .iter()
            .map(|what| format!("{name} of {}, {said:?}: {what}", trial.project));
        tally.violations.extend(told);
    }
}

impl Trial<'_> {
    fn verdict(&self) -> Said {
        match self.said.as_ref().map_err(|error| error.outcome()) {
            Ok(_) => Said::Answered,
            Err(Outcome::NotDone) => Said::NotDone,
            Err(Outcome::Done) => Said::Done,
            Err(Outcome::Unknown) => Said::Unknown,
        }
    }

    async fn look(
        &self,
        on: &Stage,
        middle: &Middle,
        tally: &mut Tally,
        wrong: &mut Vec<String>,
    ) -> Result<()> {
        let Rehearsed { deed, rehearsal } = self.of;
        let said = self.verdict();
        let picture = on.picture().await?;
        let states = rehearsal.distinct();
        let at = states.iter().position(|state| **state == picture);
        let is_token = matches!(deed.repeat, Repeat::Double | Repeat::Never);
        let found = match at {
            Some(at) if at >= deed.done_at => Found::All,
            Some(_) => Found::Nothing,
            None if is_token && middle.has_doubled(format!("{{{}/", self.project).as_bytes()) => {
                Found::Twice
            }
            None => {
                wrong.push(format!("neither done nor not done:\n{picture}"));
                return Ok(());
            }
        };
        tally.verdicts.push((said, found));
        match (said, found) {
            (Said::Answered | Said::Done, Found::Nothing) => wrong.push("it is not there".into()),
            (Said::NotDone, Found::All | Found::Twice) => wrong.push("it is there".into()),
            _ => {}
        }
        if let (Ok(answer), Repeat::Same) = (&self.said, deed.repeat)
            && *answer != rehearsal.said
        {
            wrong.push(format!("the answer is to be {:?}", rehearsal.said));
        }
        tally.recovered += u64::from(said == Said::Answered && self.was_hit);
        self.check(on, "afterwards", wrong).await?;
        if said != Said::Answered && !is_token {
            tally.again += 1;
            self.again(on, wrong).await?;
        }
        self.lapse(on, wrong).await
    }

    /// By who has the same claim id or token, and a better connection.
    async fn again(&self, on: &Stage, wrong: &mut Vec<String>) -> Result<()> {
        let Rehearsed { deed, rehearsal } = self.of;
        let said = (deed.act)(on).await;
        match (deed.repeat, said) {
            (Repeat::Refused, Err(error)) if error.outcome() == Outcome::NotDone => {}
            (Repeat::Same, Ok(said)) if said != rehearsal.said => wrong.push(format!(
                "done again it answers {said:?}, not {:?}",
                rehearsal.said
            )),
            (_, said) => drop(said?),
        }
        on.work.carry_dead_letters().await?;
        on.dead.carry_dead_letters().await?;
        let end = on.picture().await?;
        if end != rehearsal.end {
            wrong.push(format!("done again it comes to\n{end}"));
        }
        self.check(on, "done again", wrong).await
    }

    async fn check(&self, on: &Stage, when: &str, wrong: &mut Vec<String>) -> Result<()> {
        let found = on.check().await?;
        wrong.extend(found.iter().map(|found| format!("{when}: {found:?}")));
        Ok(())
    }

    /// An hour later no claim holds anything.
    async fn lapse(&self, on: &Stage, wrong: &mut Vec<String>) -> Result<()> {
        let late = on.work_at(LATE);
        if late.exists().await? && late.stats().await?.claimed > 0 {
            wrong.push("what was claimed never comes back".to_owned());
        }
        Ok(())
    }
}

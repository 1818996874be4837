//! One deed once: watched from end to end, or its process killed at one point of one round trip, and the deed done
//! again by another process.
//!
//! Guards the comparison: what is there after the kill is held against what was there at the same point when nobody
//! was killed, and what is there in the end against what was there in the end then.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use marconi_redis::Result;
use tokio::runtime::Runtime;

use super::deeds::{Deed, Repeat, Step};
use super::gate::{Event, Gate, Verdict};
use super::process::{client, kill, listen};
use super::rehearsal::{Point, Rehearsal};
use super::stage::{DEADLINE, LATE, NOW, Stage};
use super::{Orders, SAID};

/// Or why nothing can be said.
type Found<T> = std::result::Result<T, String>;

/// Far longer than any deed takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where cells are played, one at a time.
pub struct Lane {
    runtime: Runtime,
    server: PathBuf,
    gate: Gate,
}

impl Lane {
    pub fn new(server: &Path, gate: Gate) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        Lane {
            runtime: runtime.expect("a runtime"),
            server: server.to_owned(),
            gate,
        }
    }

    pub fn rehearse(&self, deed: &Deed, project: &str) -> Found<Rehearsal> {
        let (mut cell, mut child) = self.begin(deed, project)?;
        let mut asked = Vec::new();
        let mut pictures = vec![cell.picture()?];
        let said = loop {
            match cell.next()? {
                Event::Asked(name, tell) => {
                    asked.push(name);
                    _ = tell.send(Verdict::Pass);
                }
                Event::Answered(tell) => {
                    cell.meanwhile(asked.len())?;
                    pictures.push(cell.picture()?);
                    _ = tell.send(Verdict::Pass);
                }
                Event::Said(said) => break said,
                Event::Ended => return Err("its process ended".to_owned()),
            }
        };
        kill(&mut child);
        let end = cell.end()?;
        Ok(Rehearsal {
            asked,
            pictures,
            end,
            said,
        })
    }

    /// Kills the process at a point of a request; answers what is not as it has to be.
    pub fn kill_at(
        &self,
        deed: &Deed,
        project: &str,
        as_rehearsed: &Rehearsal,
        (request, point): (usize, Point),
    ) -> Found<Vec<String>> {
        let (mut cell, mut child) = self.begin(deed, project)?;
        cell.run_to(request, point)?;
        kill(&mut child);
        let mut wrong = Vec::new();
        let there = cell.picture()?;
        let at = if point.is_done() {
            request
        } else {
            request - 1
        };
        differ(
            "after the kill",
            &as_rehearsed.pictures[at],
            &there,
            &mut wrong,
        );
        let (first, last) = (&as_rehearsed.pictures[0], as_rehearsed.pictures.last());
        if deed.states == 2 && there != *first && Some(&there) != last {
            wrong.push(format!("half done: {there}"));
        }
        cell.check("after the kill", &mut wrong)?;
        let is_done = Some(&there) == last;
        if deed.repeat == Repeat::Never || (deed.repeat == Repeat::Double && is_done) {
            cell.lapse(&mut wrong)?;
            return Ok(wrong);
        }
        cell.meanwhile(usize::MAX)?;
        let said = cell.again()?;
        let is_same = said == as_rehearsed.said;
        let fits = match deed.repeat {
            Repeat::Same | Repeat::Double => is_same,
            Repeat::Refused if there != *first => said.starts_with("refused"),
            Repeat::Refused => is_same,
            _ => !said.starts_with("refused"),
        };
        if !fits {
            wrong.push(format!(
                "done again it answers {said:?}, at first {:?}",
                as_rehearsed.said
            ));
        }
        differ("in the end", &as_rehearsed.end, &cell.end()?, &mut wrong);
        cell.check("in the end", &mut wrong)?;
        cell.lapse(&mut wrong)?;
        Ok(wrong)
    }

    fn begin<'c>(&'c self, deed: &'c Deed, project: &str) -> Found<(Cell<'c>, Child)> {
        let url = format!("unix://{}", self.server.display());
        let stage = Stage::at(&url, DEADLINE, project, NOW);
        let (events, tell) = self.gate.watch();
        let orders = Orders {
            socket: self.gate.path().to_owned(),
            project: project.to_owned(),
            deed: deed.name.to_owned(),
            now: NOW,
        };
        let cell = Cell {
            lane: self,
            deed,
            stage,
            project: project.to_owned(),
            events,
            is_over: deed.during.is_none(),
        };
        cell.does(deed.before)?;
        let mut child = client(&orders, Stdio::piped());
        listen(&mut child, tell);
        Ok((cell, child))
    }
}

struct Cell<'c> {
    lane: &'c Lane,
    deed: &'c Deed,
    stage: Stage,
    project: String,
    events: Receiver<Event>,
    /// The others have done what they do meanwhile.
    is_over: bool,
}

impl Cell<'_> {
    fn next(&mut self) -> Found<Event> {
        let event = self.events.recv_timeout(PATIENCE);
        event.map_err(|_| "nothing came".to_owned())
    }

    /// Lets pass what comes before the point, and stops there.
    fn run_to(&mut self, request: usize, point: Point) -> Found<()> {
        let mut asked = 0;
        loop {
            match self.next()? {
                Event::Asked(..) | Event::Said(_) if asked == request => return Ok(()),
                Event::Asked(_, tell) => {
                    asked += 1;
                    let verdict = match point {
                        Point::Before if asked == request => return Ok(()),
                        Point::InRequest if asked == request => Verdict::Half,
                        _ => Verdict::Pass,
                    };
                    _ = tell.send(verdict);
                    if verdict == Verdict::Half {
                        return Ok(());
                    }
                }
                Event::Answered(tell) => {
                    self.meanwhile(asked)?;
                    let verdict = match point {
                        Point::Done if asked == request => return Ok(()),
                        Point::InReply if asked == request => Verdict::Half,
                        _ => Verdict::Pass,
                    };
                    _ = tell.send(verdict);
                    if verdict == Verdict::Half {
                        return Ok(());
                    }
                }
                Event::Said(_) => return Err(format!("it asked only {asked} times")),
                Event::Ended => return Err("its process ended by itself".to_owned()),
            }
        }
    }

    fn does(&self, step: Step) -> Found<()> {
        self.block(step(&self.stage))
    }

    fn block<T>(&self, what: impl Future<Output = Result<T>>) -> Found<T> {
        let done = self.lane.runtime.block_on(what);
        done.map_err(|error| error.to_string())
    }

    /// What somebody else does after so many replies.
    fn meanwhile(&mut self, answered: usize) -> Found<()> {
        match self.deed.during {
            Some((after, step)) if after <= answered && !self.is_over => {
                self.is_over = true;
                self.does(step)
            }
            _ => Ok(()),
        }
    }

    fn picture(&self) -> Found<String> {
        self.block(self.stage.picture())
    }

    /// The deed in another process, with nobody between it and the server.
    fn again(&self) -> Found<String> {
        let orders = Orders {
            socket: self.lane.server.clone(),
            project: self.project.clone(),
            deed: self.deed.name.to_owned(),
            now: match self.deed.repeat {
                Repeat::Later => LATE,
                _ => NOW,
            },
        };
        let output = client(&orders, Stdio::null()).wait_with_output();
        let output = output.map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = text.lines().find_map(|line| line.strip_prefix(SAID));
        said.map(str::to_owned)
            .ok_or_else(|| format!("done again, it said nothing: {}", output.status))
    }

    /// What is there when letters on their way have been carried.
    fn end(&self) -> Found<String> {
        self.block(async {
            self.stage.work.carry_dead_letters().await?;
            self.stage.dead.carry_dead_letters().await?;
            self.stage.picture().await
        })
    }

    fn check(&self, when: &str, wrong: &mut Vec<String>) -> Found<()> {
        let found = self.block(self.stage.check())?;
        wrong.extend(
            found
                .iter()
                .map(|violation| format!("{when}: {violation:?}")),
        );
        Ok(())
    }

    /// An hour later no claim holds anything.
    fn lapse(&self, wrong: &mut Vec<String>) -> Found<()> {
        let late = self.stage.work_at(LATE);
        let left = self.block(async {
            if !late.exists().await? {
                return Ok(0);
            }
            late.stats().await.map(|stats| stats.claimed)
        })?;
        if left > 0 {
            wrong.push(format!("{left} messages never come back"));
        }
        self.check("an hour later", wrong)
    }
}

fn differ(when: &str, expected: &str, found: &str, wrong: &mut Vec<String>) {
    if expected == found {
        return;
    }
    let lines = expected.lines().zip(found.lines());
    let lines = lines.filter(|(expected, found)| expected != found);
    wrong.extend(
        lines.map(|(expected, found)| format!("{when}:\n    {found}\n  is to be\n    {expected}")),
    );
}

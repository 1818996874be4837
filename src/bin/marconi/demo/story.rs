//! What happens, in which order: one worker is killed while it holds messages, another is stopped
//! until others hold its messages, and all the rest just work.
//!
//! Guards that the story has its end on any machine, however slow and whatever the number of lines.
//! Nothing is left to timing: the first half of the lines may be worked off freely; then the one to
//! be killed claims, then the one to be stopped, then all the others. Whoever claims what was
//! claimed before asks before deleting, and is held up while the stopped worker's late deletes are
//! to come: a message that is gone would be deleted silently, and nothing would be refused.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use marconi_redis::{Queue, Violation};

use super::crew::Crew;
use super::meter::{Meter, Reading};
use super::view::{Counts, State, View};
use super::worker::{Event, Fate};

/// Whose fate it is.
const KILLED: usize = 0;
const STOPPED: usize = 1;

/// How often the queue is asked for its counts.
const TICK: Duration = Duration::from_millis(100);

/// What a worker held when its fate came.
pub type Held = (String, Vec<String>);

pub struct Story<'a> {
    crew: Crew,
    queue: &'a Queue,
    meter: &'a mut Meter,
    view: &'a View,
    lines: u64,
    workers: Vec<Progress>,
    killed: Option<Held>,
    stopped: Option<Held>,
    is_resumed: bool,
    /// The stopped worker's late deletes were tried.
    is_told: bool,
    /// Those that did their rounds and wait for their turn.
    paused: Vec<usize>,
    /// Those that hold what the stopped worker held.
    held_up: Vec<usize>,
    begun: Option<(Instant, Reading)>,
    busy: Option<Busy>,
    violations: Vec<String>,
}

#[derive(Default)]
struct Progress {
    is_ready: bool,
    deleted: u64,
}

/// What the work took while there was work.
#[derive(Clone, Copy)]
pub struct Busy {
    pub deleted: u64,
    pub seconds: f64,
    pub cpu_us: Option<f64>,
}

/// How it ended.
pub struct Ending {
    pub killed: Option<Held>,
    pub busy: Option<Busy>,
    /// What the checker found, with claims in the queue and when it was empty.
    pub violations: Vec<String>,
    /// The queue was empty in time.
    pub is_complete: bool,
}

/// How many claims each worker may have before the story begins: half of the lines in all.
pub fn rounds(workers: usize, lines: usize, batch: usize) -> usize {
    lines / (2 * workers * batch)
}

/// What becomes of a worker after those.
pub fn fate(number: usize) -> Fate {
    match number {
        KILLED => Fate::Killed,
        STOPPED => Fate::Stopped,
        _ => Fate::None,
    }
}

impl<'a> Story<'a> {
    pub fn new(
        crew: Crew,
        queue: &'a Queue,
        meter: &'a mut Meter,
        view: &'a View,
        (lines, workers): (u64, usize),
    ) -> Self {
        Story {
            crew,
            queue,
            meter,
            view,
            lines,
            workers: (0..workers).map(|_| Progress::default()).collect(),
            killed: None,
            stopped: None,
            is_resumed: false,
            is_told: false,
            paused: Vec::new(),
            held_up: Vec::new(),
            begun: None,
            busy: None,
            violations: Vec::new(),
        }
    }

    /// Until the queue is empty, or that moment has come.
    pub async fn run(mut self, until: Instant) -> Result<Ending> {
        let told = tokio::time::timeout_at(until.into(), self.tell()).await;
        let is_complete = told.is_ok();
        if let Ok(told) = told {
            told?;
            self.measure().await;
            self.crew.dismiss().await?;
        }
        self.violations.extend(check(self.queue).await?);
        Ok(Ending {
            killed: self.killed,
            busy: self.busy,
            violations: self.violations,
            is_complete,
        })
    }

    async fn tell(&mut self) -> Result<()> {
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                event = self.crew.event() => {
                    let (number, event) = event?;
                    self.hear(number, event).await?;
                    // Only then can it be over; the tick looks too, since a count can be wrong.
                    if self.deleted() < self.lines {
                        continue;
                    }
                }
                _ = tick.tick() => {}
            }
            let stats = self.queue.stats().await?;
            self.view.counts(Counts {
                processed: self.lines.saturating_sub(stats.total),
                in_flight: stats.claimed,
                free: stats.free,
            });
            if stats.total == 0 && self.is_told {
                return Ok(());
            }
        }
    }

    async fn hear(&mut self, number: usize, event: Event) -> Result<()> {
        match event {
            Event::Ready => self.is_ready(number).await,
            Event::Paused => {
                self.paused.push(number);
                self.let_paused_go_on().await
            }
            Event::Holding { claim, messages } => match number {
                KILLED => self.kill((claim, messages)).await,
                _ => self.stop((claim, messages)).await,
            },
            Event::Asks { messages } => self.is_asked(number, &messages).await,
            Event::Done { deleted, refused } => self.is_done(number, deleted, &refused).await,
            Event::Failed { why } => bail!("worker {} failed: {why}", number + 1),
            Event::Left if number == KILLED && self.killed.is_some() => Ok(()),
            Event::Left => bail!("worker {} ended by itself", number + 1),
        }
    }

    /// They start together, when the last one is there.
    async fn is_ready(&mut self, number: usize) -> Result<()> {
        self.workers[number].is_ready = true;
        if self.workers.iter().all(|worker| worker.is_ready) {
            self.begun = Some((Instant::now(), self.meter.read().await));
            for number in 0..self.workers.len() {
                self.crew.let_go_on(number).await?;
                self.shows(number, State::Working, "working");
            }
        }
        Ok(())
    }

    async fn let_paused_go_on(&mut self) -> Result<()> {
        for number in std::mem::take(&mut self.paused) {
            let is_its_turn = match number {
                KILLED => true,
                STOPPED => self.killed.is_some(),
                _ => self.stopped.is_some(),
            };
            match is_its_turn {
                true => self.crew.let_go_on(number).await?,
                false => self.paused.push(number),
            }
        }
        Ok(())
    }

    async fn kill(&mut self, held: Held) -> Result<()> {
        self.crew.kill(KILLED).await?;
        let count = messages(held.1.len());
        self.view.say(&format!(
            "worker 1 killed (SIGKILL): held {count}, half of them done, none deleted"
        ));
        self.shows(KILLED, State::Killed, &format!("killed, held {count}"));
        self.killed = Some(held);
        self.let_paused_go_on().await
    }

    async fn stop(&mut self, held: Held) -> Result<()> {
        self.crew.stop(STOPPED).await?;
        // It goes on with its deletes when it is continued.
        self.crew.let_go_on(STOPPED).await?;
        let count = messages(held.1.len());
        self.view.say(&format!(
            "worker 2 stopped (SIGSTOP): holds {count}, all of them done, none deleted"
        ));
        self.shows(STOPPED, State::Stopped, &format!("stopped, holds {count}"));
        self.stopped = Some(held);
        self.let_paused_go_on().await
    }

    /// What it holds was held before. That a message of the stopped worker is claimed again says
    /// that, by the server's clock, its deadline is past: now it is continued.
    async fn is_asked(&mut self, number: usize, ids: &[String]) -> Result<()> {
        let theirs = |held: &Option<Held>| {
            let held = held.as_ref().map_or(&[][..], |(_, messages)| messages);
            held.iter().filter(|id| ids.contains(id)).count()
        };
        let (of_killed, of_stopped) = (theirs(&self.killed), theirs(&self.stopped));
        for (whose, count) in [(KILLED, of_killed), (STOPPED, of_stopped)] {
            if count > 0 {
                self.view.say(&format!(
                    "worker {} took over {} of worker {}, whose claim had lapsed",
                    number + 1,
                    messages(count),
                    whose + 1,
                ));
            }
        }
        if of_stopped == 0 || self.is_told {
            return self.crew.let_go_on(number).await;
        }
        self.held_up.push(number);
        if !self.is_resumed {
            self.is_resumed = true;
            self.crew.resume(STOPPED)?;
            self.view
                .say("worker 2 continued (SIGCONT): it deletes what it believes to hold");
            self.shows(STOPPED, State::Continued, "continued");
        }
        Ok(())
    }

    async fn is_done(&mut self, number: usize, deleted: u64, refused: &[String]) -> Result<()> {
        self.workers[number].deleted += deleted;
        if !refused.is_empty() {
            let mut words = refused.to_vec();
            words.sort();
            words.dedup();
            self.view.say(&format!(
                "worker {}: {} of its late deletes refused ({})",
                number + 1,
                refused.len(),
                words.join(", ")
            ));
        }
        match number {
            STOPPED if self.is_resumed => self.shows(number, State::Continued, "continued"),
            _ => self.shows(number, State::Working, "working"),
        }
        if number == STOPPED && self.is_resumed && !self.is_told {
            self.is_told = true;
            for number in std::mem::take(&mut self.held_up) {
                self.crew.let_go_on(number).await?;
            }
        }
        // From here on all that is left is what those two held, and that is waiting, not work.
        if let (Some((_, killed)), Some((_, stopped))) = (&self.killed, &self.stopped) {
            let (all, held) = (self.deleted(), killed.len() + stopped.len());
            if self.busy.is_none() && all > 0 && all + held as u64 >= self.lines {
                self.measure().await;
                if all + held as u64 == self.lines && !self.is_resumed {
                    let left = messages(held);
                    self.view.say(&format!(
                        "all but {left} done; those wait until their claims lapse"
                    ));
                }
                self.violations.extend(check(self.queue).await?);
            }
        }
        Ok(())
    }

    /// The first time counts.
    async fn measure(&mut self) {
        let (Some((begun, before)), None) = (self.begun, self.busy) else {
            return;
        };
        let seconds = begun.elapsed().as_secs_f64();
        let after = self.meter.read().await;
        let cpu = after.cpu_us.zip(before.cpu_us);
        self.busy = Some(Busy {
            deleted: self.deleted(),
            seconds,
            cpu_us: cpu.map(|(after, before)| after - before),
        });
    }

    fn deleted(&self) -> u64 {
        self.workers.iter().map(|worker| worker.deleted).sum()
    }

    fn shows(&self, number: usize, state: State, text: &str) {
        self.view
            .worker(number, state, self.workers[number].deleted, text);
    }
}

async fn check(queue: &Queue) -> Result<Vec<String>> {
    let found = queue.check().await?;
    let sentence = |violation: &Violation| format!("{}: {}", violation.about, violation.sentence);
    Ok(found.iter().map(sentence).collect())
}

fn messages(count: usize) -> String {
    match count {
        1 => "1 message".to_owned(),
        _ => format!("{count} messages"),
    }
}

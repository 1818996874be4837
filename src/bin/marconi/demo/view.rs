//! What a person sees while it runs, on standard error.
//!
//! Guards standard output, which is for the figures, and scripts, whose logs get a few plain lines
//! instead of a picture.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::report::thousands;

pub enum View {
    /// One picture that is drawn anew, and above it what happened.
    Live(Box<Picture>),
    /// What happened, a line each.
    Plain,
    Silent,
}

pub struct Picture {
    all: MultiProgress,
    posted: ProgressBar,
    processed: ProgressBar,
    workers: Vec<ProgressBar>,
}

/// How many messages are where.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    pub processed: u64,
    pub in_flight: u64,
    pub free: u64,
}

/// What a worker looks like.
#[derive(Debug, Clone, Copy)]
pub enum State {
    Working,
    Killed,
    Stopped,
    Continued,
}

impl View {
    /// A picture on a terminal, lines elsewhere; with `--json` only where a person looks on.
    pub fn new(is_quiet: bool, is_json: bool) -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let is_terminal = io::stderr().is_terminal();
        match (is_quiet, is_terminal) {
            (true, _) => View::Silent,
            (false, true) if !is_dumb => View::Live(Box::new(Picture::new())),
            (false, false) if is_json => View::Silent,
            (false, _) => View::Plain,
        }
    }

    /// Something that happened.
    pub fn say(&self, line: &str) {
        match self {
            // Where standard error is gone there is nobody to tell.
            View::Live(picture) => drop(picture.all.println(line)),
            View::Plain => drop(writeln!(io::stderr(), "{line}")),
            View::Silent => {}
        }
    }

    /// So many are to come, for so many workers.
    pub fn begin(&mut self, messages: u64, workers: usize) {
        if let View::Live(picture) = self {
            picture.begin(messages, workers);
        }
    }

    pub fn posted(&self, messages: usize) {
        if let View::Live(picture) = self {
            picture.posted.set_position(messages as u64);
        }
    }

    pub fn counts(&self, counts: Counts) {
        if let View::Live(picture) = self {
            let (in_flight, free) = (thousands(counts.in_flight), thousands(counts.free));
            picture.processed.set_position(counts.processed);
            picture
                .processed
                .set_message(format!("{in_flight} in flight, {free} free"));
        }
    }

    /// How many messages it has done, and what became of it.
    pub fn worker(&self, number: usize, state: State, done: u64, text: &str) {
        if let View::Live(picture) = self {
            let text = console::style(text).for_stderr();
            let text = match state {
                State::Working => text,
                State::Killed => text.red().bold(),
                State::Stopped => text.yellow().bold(),
                State::Continued => text.cyan(),
            };
            let done = thousands(done);
            picture.workers[number].set_message(format!("{done:>20} done  {text}"));
        }
    }

    /// Leaves the picture as it is; what follows goes below it, after a blank line.
    pub fn end(&mut self) {
        if let View::Live(picture) = std::mem::replace(self, View::Silent) {
            picture.bars().for_each(ProgressBar::abandon);
            drop(picture);
            // The first one ends the picture's last line.
            drop(write!(io::stderr(), "\n\n"));
        }
    }
}

impl Picture {
    fn new() -> Self {
        Picture {
            all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(15)),
            posted: ProgressBar::hidden(),
            processed: ProgressBar::hidden(),
            workers: Vec::new(),
        }
    }

    fn begin(&mut self, messages: u64, workers: usize) {
        let bar = |name, colour| {
            let template = format!(
                "{{prefix:<9}} {{bar:20.{colour}}} {{human_pos:>9}} of {{human_len}}  {{wide_msg}}"
            );
            let bar = self.all.add(ProgressBar::new(messages));
            bar.with_style(style(&template).progress_chars("━╸─"))
                .with_prefix(name)
        };
        let line = |number| {
            let line = self.all.add(ProgressBar::new_spinner());
            let line = line.with_style(style("{prefix:<9} {wide_msg}"));
            line.with_prefix(format!("worker {number}"))
        };
        self.posted = bar("posted", "blue");
        self.processed = bar("processed", "green");
        self.workers = (1..=workers).map(line).collect();
        self.workers
            .iter()
            .for_each(|line| line.set_message("starting"));
        self.bars()
            .for_each(|bar| bar.enable_steady_tick(Duration::from_millis(200)));
    }

    fn bars(&self) -> impl Iterator<Item = &ProgressBar> {
        [&self.posted, &self.processed]
            .into_iter()
            .chain(&self.workers)
    }
}

/// Interrupted: what is half drawn says nothing any more.
impl Drop for Picture {
    fn drop(&mut self) {
        if self.bars().any(|bar| !bar.is_finished()) {
            self.bars().for_each(ProgressBar::disable_steady_tick);
            drop(self.all.clear());
            self.all.set_draw_target(ProgressDrawTarget::hidden());
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

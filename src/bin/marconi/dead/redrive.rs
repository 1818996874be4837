//! `marconi dead redrive`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::keys::QueuePath;
use marconi_redis::{Error, Message, Queue, Redrive};
use serde_json::json;

use super::{Found, Which};
use crate::failure::{self, Failure};
use crate::global::Global;
use crate::output::{Output, count, quoted};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  marconi dead redrive orders 1763833000000-0
  marconi dead redrive orders.dead --all --from orders
  marconi dead redrive orders.dead --all --to orders.by-hand")]
pub struct Args {
    /// The queue that has them, kept or arrived
    queue: String,
    /// The letters to redrive, up to 250; one that is gone already is no failure
    #[arg(value_name = "ID", required_unless_present = "all")]
    ids: Vec<String>,
    /// All that are there now, but for those under a claim
    #[arg(short, long, conflicts_with = "ids")]
    all: bool,
    /// To this queue instead of where each died
    #[arg(long, value_name = "QUEUE")]
    to: Option<String>,
    /// Only those that died in this queue
    #[arg(long, value_name = "QUEUE")]
    from: Option<String>,
    #[command(flatten)]
    which: Which,
}

/// What became of them.
#[derive(Default)]
struct Done {
    set_out: u64,
    arrived: u64,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = global.queue(&args.queue).await?;
    let (mut done, mut gone, mut status) = (Done::default(), Vec::new(), 0);
    if args.all {
        refuse_to_stay(&args, !args.which.kept)?;
        if !args.which.arrived {
            let kept = queue.dead_letters().redrive_all();
            done.add(asked(kept, &args, global)?).await?;
        }
        if !args.which.kept {
            let arrived = queue.send_back_all();
            done.add(asked(arrived, &args, global)?).await?;
        }
    } else {
        let found = Found::of(&queue, &args.ids, &args.which).await?;
        found.refuse_ordinary(&queue)?;
        refuse_to_stay(&args, !found.arrived.is_empty())?;
        let kept = queue
            .dead_letters()
            .redrive(found.kept.iter().map(Message::id));
        done.add(asked(kept, &args, global)?).await?;
        let arrived = queue.send_back(found.arrived.iter().map(Message::id));
        done.add(asked(arrived, &args, global)?).await?;
        status = name_claimed(&queue, &found, global);
        gone.extend(args.ids.iter().filter(|text| found.is_gone(text)));
    }
    let document = json!({"set_out": done.set_out, "arrived": done.arrived, "gone": gone});
    let out = Output::of(global);
    out.done(&document, || {
        let letters = count(done.set_out, "letter");
        match gone.len() {
            0 => format!("redriven {letters}"),
            gone => format!("redriven {letters}; {gone} gone already"),
        }
    })?;
    let waiting = done.set_out - done.arrived;
    if waiting > 0 {
        let name = quoted(&args.queue);
        let line =
            format!("up to {waiting} of them wait on their way; see: marconi dead carry {name}");
        out.note(&line);
    }
    Ok(ExitCode::from(status))
}

fn asked(mut redrive: Redrive, args: &Args, global: &Global) -> Result<Redrive> {
    if let Some(to) = &args.to {
        redrive = redrive.to(to);
    }
    if let Some(from) = &args.from {
        redrive = redrive.from(&QueuePath::new(global.project(), from)?);
    }
    Ok(redrive)
}

/// Before any has left: those that have arrived here can't be sent here.
fn refuse_to_stay(args: &Args, has_arrived: bool) -> Result<()> {
    match has_arrived && args.to.as_ref() == Some(&args.queue) {
        false => Ok(()),
        true => Err(Failure::usage(format!(
            "letters that have arrived in {0} can't be sent to {0}; name another queue, or say --kept for those alone that are kept there",
            quoted(&args.queue)
        ))),
    }
}

/// A letter under a claim stays, which is a failure where it was asked for by name.
fn name_claimed(queue: &Queue, found: &Found, global: &Global) -> u8 {
    let mut status = 0;
    let claimed = found.arrived.iter().filter(|m| m.claimed_by().is_some());
    for letter in claimed {
        let (queue, id) = (queue.path().clone(), letter.id().to_string());
        let error = Error::MessageIsClaimed { queue, id };
        status = failure::warn(&error, global.json, &global.server());
    }
    status
}

impl Done {
    async fn add(&mut self, redrive: Redrive) -> Result<()> {
        let redriven = redrive.await?;
        self.set_out += redriven.set_out;
        self.arrived += redriven.arrived;
        Ok(())
    }
}

//! `marconi check`: what does not fit together, and with `--repair` what became of it.
//!
//! Guards the status: it is 0 only where nothing is left wrong.

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::keys::{ProjectName, QueueName, QueuePath};
use marconi_redis::{Queue, Store, Violation};
use serde_json::{Value, json};

use crate::failure;
use crate::global::Global;
use crate::output::{Output, count, printable};

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  marconi check orders\n  marconi check --topic news\n  marconi check orders --repair\n\n\
    Status 1 where something is wrong, and with --repair where something is left wrong."
)]
pub struct Args {
    /// Only this one [default: all queues and topics of the project given, else of all projects, and the control plane]
    queue: Option<String>,
    /// It is the name of a topic
    #[arg(long, requires = "queue")]
    topic: bool,
    /// Mend what can be, and say what was done: bodies are not touched; see docs/contract.md
    #[arg(long)]
    repair: bool,
}

/// What became of a violation, where it was to be mended.
struct Outcome {
    is_mended: bool,
    done: String,
}

/// Each queue can be deleted and made anew; what the catalogue says can't be known otherwise.
const NOT_REPAIRED: &str =
    "the control plane is not repaired: register, update or delete what it names";

/// Writes a line for each violation, as each queue is done.
pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let mut report = Report {
        global,
        documents: Vec::new(),
        left: 0,
    };
    let (mut queues, mut topics, mut control) = (0, 0, None);
    if !args.topic {
        let store = global.store().await?;
        queues = report.look("queue", &store, &args).await?;
        control = Some(store.control());
    }
    let has_topics = args.topic || args.queue.is_none() && has_room_for_topics(global);
    if has_topics {
        topics = report.look("topic", &global.topics().await?, &args).await?;
    }
    if let (Some(control), None, None) = (control, &args.queue, &global.project) {
        for violation in control.check().await? {
            let outcome = args.repair.then(|| Outcome {
                is_mended: false,
                done: NOT_REPAIRED.to_owned(),
            });
            report.tell("control plane", "queue", None, &violation, outcome.as_ref())?;
        }
    }
    report.close(queues, topics, args.repair)
}

/// Under a prefix that is too long there is none.
fn has_room_for_topics(global: &Global) -> bool {
    global
        .prefix()
        .is_ok_and(|prefix| prefix.of_topics().is_ok())
}

/// What was found so far.
struct Report<'a> {
    global: &'a Global,
    documents: Vec<Value>,
    left: u64,
}

impl Report<'_> {
    /// Looks at the queues of this store, or at the one that is named, and answers how many there are.
    async fn look(&mut self, kind: &str, store: &Store, args: &Args) -> Result<u64> {
        let paths = match &args.queue {
            Some(name) => vec![QueuePath::new(self.global.project(), name)?],
            None => all(store, self.global.project.as_deref()).await?,
        };
        for path in &paths {
            let (project, name) = (path.project().as_str(), path.name().as_str());
            let whose = match project {
                "" => name.to_owned(),
                project => format!("{project}/{name}"),
            };
            let whose = match kind {
                "queue" => whose,
                kind => format!("{kind} {whose}"),
            };
            for (violation, outcome) in found(&store.queue_at(path.clone()), args.repair).await? {
                self.tell(&whose, kind, Some(path), &violation, outcome.as_ref())?;
            }
        }
        Ok(paths.len() as u64)
    }

    /// The end: the document, or a remark, and the status.
    fn close(self, queues: u64, topics: u64, repair: bool) -> Result<ExitCode> {
        let out = Output::of(self.global);
        let violations = count(self.documents.len() as u64, "violation");
        let found = match repair {
            true => format!("{violations}, {} left", self.left),
            false => violations,
        };
        let document = json!({"queues": queues, "topics": topics, "violations": self.documents});
        if self.global.json {
            out.show(&document, String::new)?;
        }
        out.note(&match (queues, topics) {
            (0, 1..) => format!("{}: {found}", count(topics, "topic")),
            (_, 0) => format!("{}: {found}", count(queues, "queue")),
            _ => {
                let (queues, topics) = (count(queues, "queue"), count(topics, "topic"));
                format!("{queues}, {topics}: {found}")
            }
        });
        Ok(ExitCode::from(match self.left {
            0 => 0,
            _ => failure::VIOLATIONS,
        }))
    }

    /// What scripts rely on; without a queue or topic it is the control plane's.
    fn tell(
        &mut self,
        whose: &str,
        kind: &str,
        path: Option<&QueuePath>,
        violation: &Violation,
        outcome: Option<&Outcome>,
    ) -> Result<()> {
        self.left += u64::from(outcome.is_none_or(|outcome| !outcome.is_mended));
        if !self.global.json {
            let mut line = format!("{whose}: {}: {}", violation.about, violation.sentence);
            if let Some(Outcome { is_mended, done }) = outcome {
                let became = if *is_mended { "mended" } else { "left" };
                line += &format!("; {became}: {done}");
            }
            let line = format!("{}\n", printable(&line));
            Output::of(self.global).raw(line.as_bytes())?;
        }
        let mut document = json!({
            "project": path.map(|path| path.project().as_str()),
            kind: path.map(|path| path.name().as_str()),
            "part": violation.part.as_str(), "about": violation.about,
            "what": violation.sentence,
        });
        if let Some(Outcome { is_mended, done }) = outcome {
            document["mended"] = json!(is_mended);
            document["done"] = json!(done);
        }
        self.documents.push(document);
        Ok(())
    }
}

/// What is wrong with a queue, and what became of it where it was to be mended.
async fn found(queue: &Queue, repair: bool) -> Result<Vec<(Violation, Option<Outcome>)>> {
    if !repair {
        let found = queue.check().await?.into_iter();
        return Ok(found.map(|violation| (violation, None)).collect());
    }
    let repairs = queue.repair().await?.into_iter().map(|repair| {
        let outcome = Outcome {
            is_mended: repair.is_mended,
            done: repair.done,
        };
        (repair.violation, Some(outcome))
    });
    Ok(repairs.collect())
}

/// Of one project, or where none is given of all.
async fn all(store: &Store, project: Option<&str>) -> Result<Vec<QueuePath>> {
    let mut paths = Vec::new();
    if let Some(project) = project {
        queues(store, ProjectName::new(project)?, &mut paths).await?;
        return Ok(paths);
    }
    let mut marker = None;
    loop {
        let mut asked = store.projects().limit(250);
        if let Some(marker) = marker {
            asked = asked.marker(marker);
        }
        let page = asked.await?;
        for project in page.projects {
            queues(store, project, &mut paths).await?;
        }
        marker = page.marker;
        if marker.is_none() {
            return Ok(paths);
        }
    }
}

async fn queues(store: &Store, project: ProjectName, paths: &mut Vec<QueuePath>) -> Result<()> {
    let mut marker: Option<QueueName> = None;
    loop {
        let mut asked = store.queues(project.as_str())?.limit(250);
        if let Some(marker) = marker {
            asked = asked.marker(marker);
        }
        let page = asked.await?;
        let path =
            |queue: marconi_redis::QueueEntry| QueuePath::from_names(project.clone(), queue.name);
        paths.extend(page.queues.into_iter().map(path));
        marker = page.marker;
        if marker.is_none() {
            return Ok(());
        }
    }
}

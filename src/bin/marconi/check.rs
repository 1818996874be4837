//! `marconi check`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::keys::{ProjectName, QueueName, QueuePath};
use marconi_redis::{Store, Violation};
use serde_json::{Value, json};

use crate::failure;
use crate::global::Global;
use crate::output::{Output, count, printable};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  marconi check orders\n  marconi check --topic news")]
pub struct Args {
    /// Only this one [default: all queues and topics of the project given, else of all projects, and the control plane]
    queue: Option<String>,
    /// It is the name of a topic
    #[arg(long, requires = "queue")]
    topic: bool,
}

/// Writes a line for each violation, as each queue is done.
pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let mut report = Report {
        global,
        documents: Vec::new(),
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
            report.tell("control plane", "queue", None, &violation)?;
        }
    }
    let documents = report.documents;
    let out = Output::of(global);
    let document = json!({"queues": queues, "topics": topics, "violations": documents});
    if global.json {
        out.show(&document, String::new)?;
    }
    let violations = count(documents.len() as u64, "violation");
    out.note(&match (queues, topics) {
        (0, 1..) => format!("{}: {violations}", count(topics, "topic")),
        (_, 0) => format!("{}: {violations}", count(queues, "queue")),
        _ => {
            let (queues, topics) = (count(queues, "queue"), count(topics, "topic"));
            format!("{queues}, {topics}: {violations}")
        }
    });
    Ok(ExitCode::from(match documents.is_empty() {
        true => 0,
        false => failure::VIOLATIONS,
    }))
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
            for violation in store.queue_at(path.clone()).check().await? {
                self.tell(&whose, kind, Some(path), &violation)?;
            }
        }
        Ok(paths.len() as u64)
    }

    /// What scripts rely on; without a queue or topic it is the control plane's.
    fn tell(
        &mut self,
        whose: &str,
        kind: &str,
        path: Option<&QueuePath>,
        violation: &Violation,
    ) -> Result<()> {
        if !self.global.json {
            let line = format!("{whose}: {}: {}", violation.about, violation.sentence);
            let line = format!("{}\n", printable(&line));
            Output::of(self.global).raw(line.as_bytes())?;
        }
        self.documents.push(json!({
            "project": path.map(|path| path.project().as_str()),
            kind: path.map(|path| path.name().as_str()),
            "part": violation.part.as_str(), "about": violation.about,
            "what": violation.sentence,
        }));
        Ok(())
    }
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

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
#[command(after_help = "Example:\n  marconi check orders")]
pub struct Args {
    /// Only this one [default: all queues of the project given, else of all projects, and the control plane]
    queue: Option<String>,
}

/// Writes a line for each violation, as each queue is done.
pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let store = global.store().await?;
    let paths = match &args.queue {
        Some(name) => vec![QueuePath::new(global.project(), name)?],
        None => all(&store, global.project.as_deref()).await?,
    };
    let out = Output::of(global);
    let mut documents = Vec::new();
    let mut tell = |whose: &str, document: Value, violation: &Violation| {
        if !global.json {
            let line = format!("{whose}: {}: {}", violation.about, violation.sentence);
            out.raw(format!("{}\n", printable(&line)).as_bytes())?;
        }
        documents.push(document);
        Ok::<_, std::io::Error>(())
    };
    for path in &paths {
        let (project, name) = (path.project().as_str(), path.name().as_str());
        let whose = match project {
            "" => name.to_owned(),
            project => format!("{project}/{name}"),
        };
        for violation in store.queue_at(path.clone()).check().await? {
            tell(&whose, document(Some(path), &violation), &violation)?;
        }
    }
    if args.queue.is_none() && global.project.is_none() {
        for violation in store.control().check().await? {
            tell("control plane", document(None, &violation), &violation)?;
        }
    }
    let document = json!({"queues": paths.len(), "violations": documents});
    if global.json {
        out.show(&document, String::new)?;
    }
    let queues = count(paths.len() as u64, "queue");
    let violations = count(documents.len() as u64, "violation");
    out.note(&format!("{queues}: {violations}"));
    Ok(ExitCode::from(match documents.is_empty() {
        true => 0,
        false => failure::VIOLATIONS,
    }))
}

/// What scripts rely on; without a queue it is the control plane's.
fn document(path: Option<&QueuePath>, violation: &Violation) -> Value {
    json!({
        "project": path.map(|path| path.project().as_str()),
        "queue": path.map(|path| path.name().as_str()),
        "part": violation.part.as_str(), "about": violation.about,
        "what": violation.sentence,
    })
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

//! A topic's metadata as options, and `marconi topic set`.
//!
//! Guards the units: people give times with units, the metadata has whole milliseconds.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use marconi_redis::Metadata;
use serde_json::json;

use crate::body::Body;
use crate::duration::parse;
use crate::failure::Failure;
use crate::global::Global;
use crate::metadata::with_own;
use crate::output::Output;

#[derive(clap::Args)]
pub struct Settings {
    /// Names and values of your own, as a JSON object
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// How long messages live that come without a ttl [_default_message_ttl]
    #[arg(long, value_name = "D", value_parser = parse)]
    ttl: Option<Duration>,
    /// How long messages stay unseen that come without a delay [_default_message_delay]
    #[arg(long, value_name = "D", value_parser = parse)]
    delay: Option<Duration>,
    /// How many bytes the bodies of one post may have together [_max_messages_post_size]
    #[arg(long, value_name = "BYTES")]
    max_post: Option<u64>,
}

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi topic set news --ttl 2d --unset owner")]
pub struct Args {
    /// Its name
    topic: String,
    #[command(flatten)]
    settings: Settings,
    /// Take this name out of the metadata
    #[arg(long, value_name = "NAME")]
    unset: Vec<String>,
    /// Take out all that is not given here
    #[arg(long)]
    replace: bool,
}

impl Settings {
    pub fn is_empty(&self) -> bool {
        let times = [self.ttl, self.delay];
        self.metadata.is_none()
            && self.max_post.is_none()
            && times.iter().all(|time| time.is_none())
    }

    /// The metadata with what was given in place of what it had.
    pub fn over(&self, topic: &str, mut metadata: Metadata) -> Result<Metadata> {
        if let Some(text) = &self.metadata {
            metadata = with_own(metadata, topic, text)?;
        }
        if let Some(ttl) = self.ttl {
            metadata = metadata.with_default_message_ttl(ttl);
        }
        if let Some(delay) = self.delay {
            metadata = metadata.with_default_message_delay(delay);
        }
        if let Some(bytes) = self.max_post {
            metadata = metadata.with_max_messages_post_size(bytes);
        }
        Ok(metadata)
    }
}

/// Reads and writes: of two who change one topic at once, the later wins.
pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    if args.settings.is_empty() && args.unset.is_empty() && !args.replace {
        return Err(Failure::usage(format!(
            "{}: nothing to set; name what to change, see marconi topic set --help",
            args.topic
        )));
    }
    let topic = super::topic(global, &args.topic).await?;
    let mut metadata = match args.replace {
        true => Metadata::new(),
        false => topic.metadata().await?,
    };
    for name in &args.unset {
        metadata = metadata.without(name);
    }
    let metadata = args.settings.over(&args.topic, metadata)?;
    topic.set_metadata(&metadata).await?;
    let Body(map) = metadata.to_map()?;
    let document = json!({"metadata": map});
    Output::of(global).done(&document, || format!("changed {}", args.topic))?;
    Ok(ExitCode::SUCCESS)
}

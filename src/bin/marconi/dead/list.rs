//! `marconi dead list`
//!
//! Guards that each letter is listed once: the three places are looked at one after the other, and a
//! marker says in which the next page begins.

use std::fmt;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::Result;
use marconi_redis::{Error, LetterInTransit, Message, MessageId, Queue};
use serde_json::{Map, Value, json};

use super::show;
use crate::body::Body;
use crate::global::Global;
use crate::output::{Output, Rows, Table};
use crate::{failure, messages};

/// Among so many messages letters are looked for, at most; then the page is short.
const LOOKED_AT: usize = 2_500;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi dead list orders.dead --limit 50")]
pub struct Args {
    /// Its name
    queue: String,
    /// Begin where a page before ended: what it gave as its marker
    #[arg(long, value_name = "MARKER")]
    marker: Option<Marker>,
    /// How many letters at most, 1 to 250
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    limit: usize,
    /// Exit with status 3 where there is nothing to list
    #[arg(short, long)]
    exit_status: bool,
}

/// Where letters are, in the order in which they are listed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Kept,
    Transit,
    Arrived,
}

/// A place, and the last letter there that was listed.
#[derive(Clone, Copy)]
pub struct Marker {
    place: Place,
    after: Option<MessageId>,
}

/// What has been listed.
struct Page {
    documents: Vec<Value>,
    table: Table,
    looked_at: usize,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = global.queue(&args.queue).await?;
    if !(1..=250).contains(&args.limit) {
        return Err(limit_out_of_bounds(&queue).into());
    }
    // What has died and was not seen yet is brought to its place by this.
    match queue.stats().await {
        // Letters may still be on their way from a queue that was deleted.
        Err(Error::QueueDoesNotExist { .. }) => {}
        stats => _ = stats?,
    }
    let mut page = Page {
        documents: Vec::new(),
        table: Table::new(&["ID", "WHERE", ">AGE", ">LEFT", ">CLAIMS", "DIED IN", "BODY"]),
        looked_at: 0,
    };
    let mut next = Some(args.marker.unwrap_or(Marker::start_of(Place::Kept)));
    while let Some(marker) = next
        && page.documents.len() < args.limit
        && page.looked_at < LOOKED_AT
    {
        let wanted = args.limit - page.documents.len();
        let after = page.take(&queue, marker, wanted).await?;
        next = match after {
            Some(_) => Some(Marker { after, ..marker }),
            None => marker.place.next().map(Marker::start_of),
        };
    }
    let marker = next.map(|marker| marker.to_string());
    let out = Output::of(global);
    let is_empty = page.documents.is_empty();
    out.show(
        &json!({"letters": page.documents, "marker": marker}),
        || match is_empty {
            true => String::new(),
            false => page.table.render(Rows::Cut),
        },
    )?;
    if let Some(marker) = &marker {
        out.note(&format!("more with --marker {marker}"));
    } else if is_empty {
        out.note("no dead letters");
    }
    Ok(failure::nothing(is_empty && args.exit_status))
}

fn limit_out_of_bounds(queue: &Queue) -> Error {
    Error::InvalidArgument {
        queue: Some(queue.path().clone()),
        argument: "limit".into(),
        detail: "wants 1 to 250".into(),
    }
}

impl Page {
    /// The next letters of one place; answers where to go on in it, if it goes on.
    async fn take(
        &mut self,
        queue: &Queue,
        from: Marker,
        wanted: usize,
    ) -> Result<Option<MessageId>> {
        match from.place {
            Place::Kept => {
                let mut asked = queue.dead_letters().list().limit(wanted);
                if let Some(marker) = from.after {
                    asked = asked.marker(marker);
                }
                let page = asked.await?;
                for letter in &page.messages {
                    self.add(letter, "kept".to_owned(), show::kept(letter));
                }
                Ok(page.marker)
            }
            Place::Transit => {
                let mut asked = queue.letters_in_transit().limit(wanted);
                if let Some(marker) = from.after {
                    asked = asked.marker(marker);
                }
                let page = asked.await?;
                for letter in &page.letters {
                    self.add_in_transit(letter);
                }
                Ok(page.marker)
            }
            Place::Arrived => self.take_arrived(queue, from.after, wanted).await,
        }
    }

    /// They stand among ordinary messages.
    async fn take_arrived(
        &mut self,
        queue: &Queue,
        after: Option<MessageId>,
        wanted: usize,
    ) -> Result<Option<MessageId>> {
        let mut asked = queue.list().claimed(true).delayed(true).limit(250);
        if let Some(marker) = after {
            asked = asked.marker(marker);
        }
        let page = asked.await?;
        self.looked_at += page.messages.len();
        let letters = page.messages.iter().filter(|m| m.origin().is_some());
        for (taken, letter) in letters.enumerate() {
            if taken == wanted {
                return Ok(self.last_id());
            }
            let state = match messages::state(letter, 8) {
                free if free == "free" => "arrived".to_owned(),
                other => format!("arrived, {other}"),
            };
            self.add(letter, state, show::arrived(letter));
        }
        Ok(page.marker)
    }

    fn add(&mut self, letter: &Message, place: String, document: Value) {
        let [id, age, left, claims, body] = messages::cells(letter);
        let died_in = letter.origin().and_then(|origin| origin.from.last());
        let died_in = died_in.cloned().unwrap_or_default();
        self.table
            .row([id, place, age, left, claims, died_in, body]);
        self.documents.push(document);
    }

    /// It has no age and no claims: its life begins anew when it arrives.
    fn add_in_transit(&mut self, letter: &LetterInTransit) {
        let mut document = Map::new();
        document.insert("id".into(), json!(letter.id().to_string()));
        document.insert("place".into(), json!("transit"));
        document.insert("to".into(), json!(letter.to()));
        messages::add_body(&mut document, letter.body());
        messages::add_client(&mut document, letter.client());
        messages::add_past(&mut document, letter.origin(), letter.redriven());
        let body = match letter.body::<Body>() {
            Ok(Body(body)) => body.to_string(),
            Err(error) => format!("({error})"),
        };
        let died_in = letter.origin().and_then(|origin| origin.from.last());
        let died_in = died_in.cloned().unwrap_or_default();
        let (id, place) = (
            letter.id().to_string(),
            format!("on its way to {}", letter.to()),
        );
        let none = String::new;
        self.table
            .row([id, place, none(), none(), none(), died_in, body]);
        self.documents.push(document.into());
    }

    fn last_id(&self) -> Option<MessageId> {
        self.documents.last()?["id"].as_str()?.parse().ok()
    }
}

impl Place {
    fn next(self) -> Option<Place> {
        match self {
            Place::Kept => Some(Place::Transit),
            Place::Transit => Some(Place::Arrived),
            Place::Arrived => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Place::Kept => "kept",
            Place::Transit => "transit",
            Place::Arrived => "arrived",
        }
    }
}

impl Marker {
    fn start_of(place: Place) -> Self {
        Marker { place, after: None }
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.place.word())?;
        self.after.map_or(Ok(()), |id| write!(f, ":{id}"))
    }
}

impl FromStr for Marker {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, id) = match text.split_once(':') {
            Some((word, id)) => (word, Some(id)),
            None => (text, None),
        };
        let places = [Place::Kept, Place::Transit, Place::Arrived];
        let place = places.into_iter().find(|place| place.word() == word);
        let after = id.map(str::parse).transpose().ok();
        match (place, after) {
            (Some(place), Some(after)) => Ok(Marker { place, after }),
            _ => Err(
                "wants what a page gave: kept, transit or arrived, and an id after a colon"
                    .to_owned(),
            ),
        }
    }
}

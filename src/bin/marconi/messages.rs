//! How messages are shown, by every verb that shows some.
//!
//! Guards that a message which can't be read hides no other: it is shown with the reason.

use marconi_redis::{Error, Message, MessageId, Origin, Queue};
use serde_json::{Map, Value, json};

use crate::body::Body;
use crate::duration::{ms_of, show};
use crate::output::{Rows, Table, count, printable};

/// What claim and pop hand out.
pub fn taken(message: &Message) -> Value {
    document(message).into()
}

/// What get, list and first look at: with who holds it and how long it is delayed.
pub fn seen(message: &Message) -> Value {
    let mut shown = document(message);
    shown.insert("delay_ms".into(), json!(ms_of(message.delay())));
    let claim = message.claimed_by().map(|claim| claim.to_string());
    shown.insert("claim".into(), json!(claim));
    shown.into()
}

fn document(message: &Message) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("id".into(), json!(message.id().to_string()));
    add_body(&mut shown, message.body());
    shown.insert("ttl_ms".into(), json!(ms_of(message.ttl())));
    shown.insert("age_ms".into(), json!(ms_of(message.age())));
    shown.insert("claims".into(), json!(message.claims()));
    add_client(&mut shown, message.client());
    add_past(&mut shown, message.origin(), message.redriven());
    shown
}

pub fn add_body(shown: &mut Map<String, Value>, body: Result<Body, Error>) {
    if let Err(error) = &body {
        shown.insert("unreadable".into(), json!(error.to_string()));
    }
    shown.insert("body".into(), body.map_or(Value::Null, |Body(body)| body));
}

pub fn add_client(shown: &mut Map<String, Value>, client: &str) {
    if !client.is_empty() {
        shown.insert("client".into(), json!(client));
    }
}

/// Where a letter died, and how often a message was one that set out again.
pub fn add_past(shown: &mut Map<String, Value>, origin: Option<&Origin>, redriven: u64) {
    if let Some(origin) = origin {
        let died = origin.died.map(|died| died.as_millis());
        let id = origin.id.map(|id| id.to_string());
        let ttl = origin.ttl.map(ms_of);
        let from = json!({
            "queues": origin.from, "id": id, "claims": origin.claims, "died": died, "ttl_ms": ttl,
        });
        shown.insert("from".into(), from);
    }
    if redriven > 0 {
        shown.insert("redriven".into(), json!(redriven));
    }
}

/// Id, age, what is left of its life, claims, body: whole, for whoever got it may be the only one.
pub fn taken_table(messages: &[Message]) -> String {
    let mut table = Table::new(&["ID", ">AGE", ">LEFT", ">CLAIMS", "BODY"]);
    for message in messages {
        let [id, age, left, claims, body] = cells(message);
        table.row([id, age, left, claims, body]);
    }
    table.render(Rows::Whole)
}

/// The same with the state, a line of the terminal each.
pub fn seen_table(messages: &[Message]) -> String {
    let mut table = Table::new(&["ID", ">AGE", ">LEFT", ">CLAIMS", "STATE", "BODY"]);
    for message in messages {
        let [id, age, left, claims, body] = cells(message);
        // As much of a claim's id as tells it from others; a record has all of it.
        let state = state(message, 8);
        table.row([id, age, left, claims, state, body]);
    }
    table.render(Rows::Cut)
}

/// All there is to say of each, a line each.
pub fn records(messages: &[Message]) -> String {
    let record = |message: &Message| record(message, &state(message, 36));
    let records: Vec<String> = messages.iter().map(record).collect();
    records.join("\n")
}

/// Of one, in this state.
pub fn record(message: &Message, state: &str) -> String {
    let [id, age, left, claims, body] = cells(message);
    let mut lines = vec![
        ("id", id),
        ("state", state.to_owned()),
        ("age", age),
        ("left", left),
        ("claims", claims),
    ];
    if !message.client().is_empty() {
        lines.push(("client", message.client().to_owned()));
    }
    if let Some(origin) = message.origin() {
        lines.push(("died in", origin.from.join(", ")));
        lines.extend(origin.id.map(|id| ("as", id.to_string())));
        lines.push(("after", count(origin.claims, "claim")));
        lines.extend(origin.ttl.map(|ttl| ("with ttl", show(ttl))));
    }
    if message.redriven() > 0 {
        lines.push(("redriven", count(message.redriven(), "time")));
    }
    lines.push(("body", body));
    let line = |(name, value): (&str, String)| format!("{name:<8} {}\n", printable(&value));
    lines.into_iter().map(line).collect()
}

pub fn state(message: &Message, letters: usize) -> String {
    match message.claimed_by() {
        Some(claim) => format!("claimed {:.letters$}", claim.as_str()),
        None if !message.delay().is_zero() => format!("delayed {}", show(message.delay())),
        None => "free".to_owned(),
    }
}

pub fn cells(message: &Message) -> [String; 5] {
    let body = match message.body::<Body>() {
        Ok(Body(body)) => body.to_string(),
        Err(error) => format!("({error})"),
    };
    [
        message.id().to_string(),
        show(message.age()),
        show(message.ttl().saturating_sub(message.age())),
        message.claims().to_string(),
        body,
    ]
}

/// Ids as typed; the first that is none is the id of a message that is gone.
pub fn ids(queue: &Queue, texts: &[String]) -> Result<Vec<MessageId>, Error> {
    let id = |text: &String| {
        text.parse().map_err(|_| Error::MessageDoesNotExist {
            queue: queue.path().clone(),
            id: text.clone(),
        })
    };
    texts.iter().map(id).collect()
}

/// The same without those that are none, for whom a message that is gone is no failure.
pub fn known_ids(texts: &[String]) -> Vec<MessageId> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

//! Every message that was posted is there, or went in a way that can be shown; and none is there twice.
//!
//! Guards the books of messages: what came in is what is left and what went out.

use std::collections::{HashMap, HashSet};

use super::book::Book;
use super::message::{By, Message};
use super::span::Span;
use super::{Kind, Violation};
use crate::history::{Body, Id};

pub fn check(book: &mut Book) {
    let mut found = Vec::new();
    let letters = letters(book, &mut found);
    for q in 0..book.queues.len() {
        let mut unexplained = Vec::new();
        for message in book.queues[q].messages.values() {
            removed(book, message, &mut found);
            if q == 0 {
                died(book, message, &letters, &mut found);
            }
            if !is_accounted_for(book, message, q == 0 && letters.contains_key(&message.body)) {
                unexplained.push(message);
            }
        }
        // A pop without a token whose answer was lost has taken some with it.
        let forgiven: u64 = book.queues[q]
            .unknown_pops
            .iter()
            .map(|(_, most)| most)
            .sum();
        for message in unexplained.into_iter().skip(forgiven as usize) {
            let ops: Vec<_> = message
                .takes
                .iter()
                .map(|take| book.show(take.op))
                .collect();
            let text = format!(
                "{} {:?} of {}: {ops:?}",
                message.id, message.body, book.rules[q].name
            );
            found.push(Violation {
                kind: Kind::Lost,
                text,
            });
        }
    }
    book.violations.extend(found);
}

/// Where each dead message of the first queue came to: in the second as a message, or kept, or in transit.
fn letters(book: &Book, found: &mut Vec<Violation>) -> HashMap<Body, Option<Id>> {
    let mut letters = HashMap::new();
    let mut enter = |body: Body, id: Option<Id>| {
        if letters.insert(body, id).is_some() {
            let text = format!("{body:?} died twice; once {id:?}");
            found.push(Violation {
                kind: Kind::Doubled,
                text,
            });
        }
    };
    for queue in book.queues.iter().skip(1) {
        for message in queue
            .messages
            .values()
            .filter(|message| message.letter_of.is_some())
        {
            enter(message.body, Some(message.id));
        }
    }
    for rest in &book.audit.rests {
        for body in &rest.letters {
            enter(*body, None);
        }
    }
    let known = |body: &Body| book.queues[0].ids.contains_key(body);
    let strangers: Vec<_> = letters.keys().filter(|body| !known(body)).collect();
    for body in strangers {
        let text = format!("the letter {body:?}");
        found.push(Violation {
            kind: Kind::Invented,
            text,
        });
    }
    letters
}

/// Nothing of it comes after it was deleted; and it goes once.
fn removed(book: &Book, message: &Message, found: &mut Vec<Violation>) {
    let mut report = |kind, ops: &[usize]| {
        let shown: Vec<_> = ops.iter().map(|op| book.show(*op)).collect();
        let text = format!("{}: {}", message.id, shown.join(" || "));
        found.push(Violation { kind, text });
    };
    for removal in message.removals.iter().filter(|removal| removal.is_done) {
        let later = message
            .takes
            .iter()
            .find(|take| removal.span.is_before(take.at));
        if let Some(take) = later {
            report(Kind::DeliveredAfterDelete, &[removal.op, take.op]);
        }
        if message.is_left
            || message
                .seen
                .iter()
                .any(|seen| removal.span.is_before(*seen))
        {
            report(Kind::DeliveredAfterDelete, &[removal.op]);
        }
    }
    let pops = message
        .takes
        .iter()
        .filter(|take| take.by == By::Pop)
        .map(|take| (take.op, take.at));
    for (op, at) in pops.clone() {
        if message.is_left || message.seen.iter().any(|seen| at.is_before(*seen)) {
            report(Kind::DeliveredAfterDelete, &[op]);
        }
    }
    let counted = message.removals.iter().filter(|removal| removal.counted);
    let mut ways: Vec<usize> = counted.map(|removal| removal.op).collect();
    ways.extend(pops.map(|(op, _)| op));
    if ways.len() > 1 {
        report(Kind::RemovedTwice, &ways);
    }
}

/// A letter was claimed as often as its queue allows, and is delivered there no more.
fn died(
    book: &Book,
    message: &Message,
    letters: &HashMap<Body, Option<Id>>,
    found: &mut Vec<Violation>,
) {
    let Some(letter) = letters.get(&message.body) else {
        return;
    };
    let last = message.takes.last();
    let claims = last.map_or(0, |take| take.claims);
    let from = last.map_or(message.born.lo, |take| take.at.lo);
    let is_blind = book.queues[0].is_blind(Span {
        lo: from,
        hi: book.audit.to,
    });
    let used_up = book.rules[0].max_claims.is_some_and(|max| claims >= max);
    if !used_up && !is_blind {
        let text = format!("{} died after {claims} claims", message.id);
        found.push(Violation {
            kind: Kind::DiedEarly,
            text,
        });
    }
    let ways: HashSet<_> = message
        .removals
        .iter()
        .filter(|removal| removal.counted)
        .map(|r| r.op)
        .collect();
    let arrived_early = letter
        .zip(last)
        .is_some_and(|(letter, last)| letter.0 * 1000 + 999 < last.at.lo);
    if message.is_left || !ways.is_empty() || arrived_early {
        let text = format!("{} is a letter too, {letter:?}", message.id);
        found.push(Violation {
            kind: Kind::Doubled,
            text,
        });
    }
}

fn is_accounted_for(book: &Book, message: &Message, is_letter: bool) -> bool {
    let popped = message.takes.last().is_some_and(|take| take.by == By::Pop);
    // A delete that counts others and not this one met it gone, by one of the other ways.
    let deleted = message
        .removals
        .iter()
        .any(|removal| !removal.is_done || removal.counted || is_partial(book, removal.op));
    let expired = message.expires() * 1000 <= book.audit.to;
    message.is_left || popped || deleted || expired || is_letter
}

/// A delete of several messages that deleted some of them: it may have been this one.
fn is_partial(book: &Book, op: usize) -> bool {
    use crate::history::{Call, Outcome};
    matches!((&book.ops[op].call, &book.ops[op].got),
        (Call::Delete { ids, .. }, Outcome::Done(count)) if *count > 0 && ids.len() > 1)
}

//! Makes the book of a history.
//!
//! Guards that evidence is not bent to fit: what contradicts what stands in the book already is reported, not entered.

use std::collections::HashMap;

use super::book::{Book, Queue, show};
use super::ends::ended;
use super::grants::claims;
use super::message::{By, Hold, Message, Take};
use super::span::Span;
use super::{Audit, Kind};
use crate::history::{Body, Call, Id, Micros, Op, Outcome, Taken};
use crate::plan::Rules;

/// Letters live as long as messages do by default, in ms.
const LETTER_TTL: u64 = 1_209_600_000;

/// Filled in when all is in the book.
const NOT_YET: Hold = Hold {
    least: 0,
    most: Micros::MAX,
    free_from: None,
    returns: 0,
    counted: true,
    uncounted: true,
};

pub fn book<'a>(rules: &'a [Rules], ops: &'a [Op], audit: &'a Audit) -> Book<'a> {
    let queues = rules.iter().map(|_| Queue::default()).collect();
    let (tries, violations) = (tries(ops), Vec::new());
    let mut book = Book {
        rules,
        ops,
        audit,
        queues,
        tries,
        violations,
    };
    posts(&mut book);
    claims(&mut book);
    for (at, op) in ops.iter().enumerate() {
        match &op.got {
            Outcome::Popped { now, messages } => popped(&mut book, at, *now, messages),
            Outcome::Page(page) => {
                let span = Span::of(op);
                for seen in page {
                    if let Some(message) = known(&mut book, at, op.queue, seen.id, seen.body) {
                        message.seen.push(span);
                    }
                }
            }
            Outcome::Done(count) => ended(&mut book, at, Some(*count)),
            Outcome::Lost => ended(&mut book, at, None),
            _ => {}
        }
    }
    rests(&mut book);
    book
}

/// Operations are in the order of their beginnings, so that the first of a token comes first.
fn tries(ops: &[Op]) -> HashMap<(usize, &str), Micros> {
    let mut tries = HashMap::new();
    for op in ops.iter().filter(|op| op.got == Outcome::Lost) {
        if let Call::Post {
            token: Some(token), ..
        }
        | Call::Pop {
            token: Some(token), ..
        } = &op.call
        {
            tries.entry((op.queue, &**token)).or_insert(Span::of(op).lo);
        }
    }
    tries
}

fn posts(book: &mut Book) {
    for (at, op) in book.ops.iter().enumerate() {
        let Call::Post {
            stem,
            ttl,
            delay,
            count,
            ..
        } = &op.call
        else {
            continue;
        };
        let rules = &book.rules[op.queue];
        match &op.got {
            Outcome::Posted(ids) if ids.len() == *count as usize => {
                for (place, id) in ids.iter().enumerate() {
                    let body = Body(op.who, *stem, place as u32);
                    let (ttl, delay) = (ttl.unwrap_or(rules.ttl), delay.unwrap_or(rules.delay));
                    posted(book, at, *id, body, ttl, delay);
                }
            }
            Outcome::Posted(_) => {
                let text = book.show(at);
                book.report(Kind::IdOrder, text);
            }
            _ => {}
        }
    }
    let unknown = |op: &&Op| op.got == Outcome::Lost && matches!(op.call, Call::Post { .. });
    for op in book.ops.iter().filter(unknown) {
        let Call::Post { stem, count, .. } = op.call else {
            continue;
        };
        let queue = &mut book.queues[op.queue];
        if !queue.ids.contains_key(&Body(op.who, stem, 0)) {
            queue.unknown_posts.push((Span::of(op), u64::from(count)));
        }
    }
}

fn posted(book: &mut Book, at: usize, id: Id, body: Body, ttl: u64, delay: u64) {
    let op = &book.ops[at];
    let queue = &mut book.queues[op.queue];
    if let Some(before) = queue.ids.get(&body) {
        if *before != id {
            let text = format!("{id} is {before} too; {}", show(book.rules, op));
            book.report(Kind::Doubled, text);
        }
        return;
    }
    // Where the first answer was lost, the id says when it was posted. The server may read its clock twice.
    let by_id = Span {
        lo: id.0 * 1000 - 1000,
        hi: id.0 * 1000 + 1999,
    };
    let born = book.tried(op).and(by_id);
    let is_repeat = by_id.is_before(Span::of(op));
    if born.is_none() && !is_repeat {
        let text = format!("{id}; {}", show(book.rules, op));
        book.report(Kind::Clock, text);
    }
    let queue = &mut book.queues[op.queue];
    queue.ids.insert(body, id);
    let message = Message::new(id, body, born.unwrap_or(by_id), ttl, delay);
    if let Some(other) = queue.messages.insert(id, message) {
        let text = format!("{id} is {:?} and {body:?}; {}", other.body, book.show(at));
        book.report(Kind::Doubled, text);
    }
}

/// The message that a reply tells of, as far as it can be one.
fn known<'b>(
    book: &'b mut Book,
    at: usize,
    queue: usize,
    id: Id,
    body: Body,
) -> Option<&'b mut Message> {
    if !book.queues[queue].messages.contains_key(&id) {
        let born = Span {
            lo: id.0 * 1000 - 1000,
            hi: id.0 * 1000 + 1999,
        };
        let stranger = stranger(book, queue, id, body, born)?;
        let other = book.queues[queue].ids.insert(body, id);
        book.queues[queue].messages.insert(id, stranger);
        if let Some(other) = other {
            let text = format!("{id} is {other} too; {}", describe(book, at));
            book.report(Kind::Doubled, text);
        }
    }
    if book.queues[queue].messages[&id].body != body {
        let text = format!("{id} came with another body; {}", describe(book, at));
        book.report(Kind::Invented, text);
        return None;
    }
    book.queues[queue].messages.get_mut(&id)
}

fn describe(book: &Book, at: usize) -> String {
    if at < book.ops.len() {
        book.show(at)
    } else {
        "found when all had gone".to_owned()
    }
}

/// A message that no post was told of: a dead letter, or one of a post whose answer was lost.
fn stranger(book: &mut Book, queue: usize, id: Id, body: Body, born: Span) -> Option<Message> {
    let gets_letters = book.rules[0].dead_letters_to == Some(queue);
    if let Some(source) = gets_letters
        .then(|| book.queues[0].ids.get(&body))
        .flatten()
    {
        let mut letter = Message::new(id, body, born, LETTER_TTL, 0);
        letter.letter_of = Some(*source);
        return Some(letter);
    }
    let Body(who, stem, place) = body;
    let op = book.ops.iter().find(|op| {
        let Call::Post {
            stem: of, count, ..
        } = op.call
        else {
            return false;
        };
        (op.who, of, op.queue) == (who, stem, queue) && place < count && op.got == Outcome::Lost
    });
    let Some(op) = op else {
        let text = format!("{id} of {} with {body:?}", book.rules[queue].name);
        book.report(Kind::Invented, text);
        return None;
    };
    let Call::Post { ttl, delay, .. } = op.call else {
        return None;
    };
    let rules = &book.rules[queue];
    let (ttl, delay) = (ttl.unwrap_or(rules.ttl), delay.unwrap_or(rules.delay));
    Some(Message::new(id, body, born, ttl, delay))
}

pub fn take(book: &mut Book, queue: usize, op: usize, by: By, at: Span, now: u64, taken: &Taken) {
    let Some(message) = known(book, op, queue, taken.id, taken.body) else {
        return;
    };
    let (claims, expires) = (taken.claims, taken.id.0 + taken.ttl);
    message.takes.push(Take {
        by,
        at,
        now,
        claims,
        expires,
        op,
        hold: NOT_YET,
    });
}

fn popped(book: &mut Book, at: usize, now: u64, messages: &[Taken]) {
    let op = &book.ops[at];
    let (span, by_now) = (book.tried(op), Span::of_ms(now));
    if by_now.lo > span.hi {
        let text = book.show(at);
        book.report(Kind::Clock, text);
    }
    let moment = span.and(by_now).unwrap_or(by_now);
    for taken in messages {
        let known = book.queues[op.queue].messages.get(&taken.id);
        // The same answer again, by its token.
        let is_repeat = known.is_some_and(|message| {
            message.takes.iter().any(|take| {
                take.by == By::Pop && take.now == now && {
                    let first = &book.ops[take.op];
                    first.who == op.who && first.call == op.call
                }
            })
        });
        if !is_repeat {
            take(book, op.queue, at, By::Pop, moment, now, taken);
        }
    }
}

/// What the auditor found.
fn rests(book: &mut Book) {
    let (audit, at) = (book.audit, book.ops.len());
    for (queue, rest) in audit.rests.iter().enumerate() {
        for seen in &rest.messages {
            if let Some(message) = known(book, at, queue, seen.id, seen.body) {
                message.is_left = true;
            }
        }
    }
}

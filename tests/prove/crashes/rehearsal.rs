//! A deed as it goes when nobody is killed, and the points at which somebody is.
//!
//! Guards the order of the points: from one on the server has done what it was asked for.

use std::fmt;

/// Where in a round trip the process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// The request is on its way, and the server has nothing of it.
    Before,
    /// The server has the first half of the request's bytes.
    InRequest,
    /// The server has done it, and the client has nothing of the reply.
    Done,
    /// The client has the first half of the reply's bytes.
    InReply,
    /// The client has the reply.
    After,
}

impl Point {
    pub const ALL: [Point; 5] = [
        Point::Before,
        Point::InRequest,
        Point::Done,
        Point::InReply,
        Point::After,
    ];

    /// Whether the server has done by then what it was asked for.
    pub fn is_done(self) -> bool {
        self >= Point::Done
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Point::Before => "before the server had anything",
            Point::InRequest => "in the middle of the request",
            Point::Done => "after the server, before the reply",
            Point::InReply => "in the middle of the reply",
            Point::After => "after the reply",
        })
    }
}

/// How a deed goes when nobody is killed.
pub struct Rehearsal {
    /// What was asked, in order.
    pub asked: Vec<String>,
    /// What was there before the first request, and after each.
    pub pictures: Vec<String>,
    /// What is there in the end, when letters have been carried.
    pub end: String,
    pub said: String,
}

impl Rehearsal {
    /// Whether something was changed by this request; they count from 1.
    pub fn changes(&self, request: usize) -> bool {
        self.pictures[request - 1] != self.pictures[request]
    }

    /// What was there, each state once.
    pub fn distinct(&self) -> Vec<&String> {
        let mut states: Vec<_> = self.pictures.iter().collect();
        states.dedup();
        states
    }
}

//! What can become of a request and its reply on their way.
//!
//! Guards that a fault is one that a network and what stands in it can have: bytes get lost, late, or cut; whole requests
//! come twice where something in between sends again what it had no answer to.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    None,
    /// The server has nothing of it, and the connection ends.
    RequestLost,
    /// The server has half of its bytes, and the connection ends.
    RequestCut,
    /// The connection ends, and then the request comes to the server.
    RequestLate,
    RequestDelayed,
    /// The server has it twice, both times as a whole, and the connection ends.
    RequestTwice,
    /// It is done, and the connection ends.
    ReplyLost,
    /// It is done, the client has half of the reply, and the connection ends.
    ReplyCut,
    ReplyDelayed,
    /// The client has the reply twice, and the connection ends.
    ReplyTwice,
    /// It is done, and the client is answered with something else.
    ReplyForeign,
    /// It is done, and nothing comes.
    Silence,
    /// The connection ends, and for a while there is no other.
    Outage,
}

impl Fault {
    /// ms, from and to.
    pub fn lasts(self) -> (u64, u64) {
        match self {
            Fault::RequestLate => (1, 60),
            Fault::RequestDelayed | Fault::ReplyDelayed => (1, 15),
            Fault::Outage => (250, 500),
            _ => (0, 0),
        }
    }

    pub fn says(self) -> &'static str {
        match self {
            Fault::None => "nothing",
            Fault::RequestLost => "requests lost",
            Fault::RequestCut => "requests cut in the middle",
            Fault::RequestLate => "requests that came after the connection had gone",
            Fault::RequestDelayed => "requests delayed",
            Fault::RequestTwice => "requests passed on twice",
            Fault::ReplyLost => "replies lost",
            Fault::ReplyCut => "replies cut in the middle",
            Fault::ReplyDelayed => "replies delayed",
            Fault::ReplyTwice => "replies passed on twice",
            Fault::ReplyForeign => "replies exchanged for something else",
            Fault::Silence => "replies that never came, on a connection that stayed",
            Fault::Outage => "times without any connection",
        }
    }
}

/// For a client that has one call under way at a time. Of a thousand requests.
pub const ALONE: &[(u64, Fault)] = &[
    (35, Fault::RequestLost),
    (35, Fault::RequestCut),
    (35, Fault::RequestLate),
    (30, Fault::RequestDelayed),
    (35, Fault::RequestTwice),
    (60, Fault::ReplyLost),
    (40, Fault::ReplyCut),
    (30, Fault::ReplyDelayed),
    (30, Fault::ReplyTwice),
    (25, Fault::ReplyForeign),
    (10, Fault::Silence),
    (30, Fault::Outage),
];

/// For several calls at once on one connection. A reply that comes twice would be taken for the next one's, since
/// replies bear no number: TCP doubles nothing, and a middle that did could not be seen through.
pub const SHARED: &[(u64, Fault)] = &[
    (35, Fault::RequestLost),
    (35, Fault::RequestCut),
    (35, Fault::RequestLate),
    (30, Fault::RequestDelayed),
    (35, Fault::RequestTwice),
    (60, Fault::ReplyLost),
    (40, Fault::ReplyCut),
    (30, Fault::ReplyDelayed),
    (25, Fault::ReplyForeign),
    (10, Fault::Silence),
    (30, Fault::Outage),
];

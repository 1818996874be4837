//! A server of one's own, and the states that its queue is put in before each case.
//!
//! Guards that a case begins as every other does, whatever the one before has done.

use std::time::Duration;

use redis::Connection;

use super::damage::KINDS;
use super::rig::{LATER, NOW, Rig};
use super::snapshot::{Snapshot, digest};
use super::states::{Case, in_state};
use crate::common::Server;
use crate::rng::Rng;

pub struct Stage {
    pub server: Server,
    pub rig: Rig,
    kept: Vec<(Case, Snapshot, Ids)>,
}

/// What hangs is to fail.
fn connect(server: &Server) -> Connection {
    let client = redis::Client::open(server.url()).expect("the server's own url");
    let connection = client.get_connection().expect("a connection");
    connection
        .set_read_timeout(Some(Duration::from_secs(4)))
        .expect("a timeout");
    connection
}

type Ids = std::collections::BTreeMap<&'static str, String>;

/// Hashes and sorted sets stay lists inside, which DUMP writes in the same order whatever was read meanwhile.
const COMPACT: &[&str] = &[
    "--hash-max-ziplist-value",
    "1000000",
    "--hash-max-ziplist-entries",
    "100000",
    "--zset-max-ziplist-value",
    "1000000",
];

/// How the queue is for one case.
pub struct Setting {
    pub damages: Vec<&'static str>,
    pub case: Case,
    pub now: u64,
    pub digest: String,
}

impl Stage {
    pub fn new() -> Self {
        let server = Server::start(COMPACT);
        let mut kept = Vec::new();
        for case in Case::ALL {
            let mut rig = in_state(&server, case);
            kept.push((case, Snapshot::of(&mut rig.connection), rig.ids));
        }
        let mut rig = Rig::new(&server, "hostile");
        rig.connection = connect(&server);
        Stage { server, rig, kept }
    }

    /// After a reply that the client can't read it is out of step.
    pub fn reconnect(&mut self) {
        self.rig.connection = connect(&self.server);
    }

    /// Puts the queue in a state, and does one damage to it, sometimes two; none, at times.
    pub fn set(&mut self, rng: &mut Rng) -> Setting {
        let (case, snapshot, ids) = &self.kept[[0, 0, 0, 0, 1, 1, 1, 2, 2, 3][rng.below(10)]];
        let case = *case;
        snapshot.restore(&mut self.rig.connection);
        self.rig.ids.clone_from(ids);
        let mut damages = Vec::new();
        let many = [1, 1, 1, 1, 1, 1, 1, 2, 2, 0][rng.below(10)];
        for _ in 0..many {
            let (name, damage) = KINDS[rng.below(KINDS.len())];
            if damage(&mut self.rig, rng) {
                damages.push(name);
            }
        }
        let now = match case {
            Case::Late => LATER,
            _ if rng.percent(10) => LATER,
            _ => NOW,
        };
        let digest = digest(&mut self.rig.connection);
        Setting {
            damages,
            case,
            now,
            digest,
        }
    }

    /// Puts something into each part, and leaves it at that.
    pub fn set_undamaged(&mut self) -> u64 {
        let (case, snapshot, ids) = &self.kept[0];
        snapshot.restore(&mut self.rig.connection);
        self.rig.ids.clone_from(ids);
        case.now()
    }

    pub fn digest(&mut self) -> String {
        digest(&mut self.rig.connection)
    }
}

//! A client without this crate: the scripts as they lie in `lua/`, the manifest, and docs/contract.md.
//!
//! Guards that the contract is enough: what it doesn't say is not done here.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Client;
use super::arguments::{arg, arguments};
use super::replies::{outcome, refusal};
use super::resp::{Connection, Reply, Request};
use crate::history::{Call, Outcome};
use crate::plan::{PROJECT, groups};

/// Rounds of sweep and call; far more than this history can need.
const ROUNDS: usize = 200;

/// How long a server may be away.
const PATIENCE: Duration = Duration::from_secs(30);

struct Script {
    sha1: String,
    text: Vec<u8>,
    keys: Vec<String>,
}

pub struct Plain {
    socket: PathBuf,
    connection: Connection,
    scripts: HashMap<String, Script>,
    names: Vec<Vec<&'static str>>,
    faults: bool,
    /// The time that calls bring, where it is not the server's.
    pub now: Option<u64>,
    /// Called after each call of a script, which then all go one by one.
    pub after: Option<After>,
}

type After = Box<dyn FnMut(&mut Connection)>;

impl Plain {
    pub fn connect(socket: &Path, lua: &Path, faults: bool) -> Plain {
        let names = groups()
            .iter()
            .map(|group| group.iter().map(|rules| rules.name).collect())
            .collect();
        Plain {
            socket: socket.to_owned(),
            connection: Connection::open(socket).expect("the server"),
            scripts: read_scripts(lua),
            names,
            faults,
            now: None,
            after: None,
        }
    }

    /// A new connection, as soon as there is a server that answers.
    fn reconnect(&mut self) {
        let patience = Instant::now() + PATIENCE;
        loop {
            let answers = |connection: &mut Connection| {
                let pong = connection.ask(&vec![b"PING".to_vec()]);
                pong.is_ok_and(|reply| !matches!(reply, Reply::Error(_)))
            };
            if let Ok(mut connection) = Connection::open(&self.socket)
                && answers(&mut connection)
            {
                self.connection = connection;
                return;
            }
            assert!(Instant::now() < patience, "the server does not come back");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn request(&self, script: &str, tag: &str, args: &[Vec<u8>]) -> Request {
        let script = &self.scripts[script];
        let mut request = vec![
            b"EVALSHA".to_vec(),
            arg(&script.sha1),
            arg(script.keys.len()),
        ];
        let keys = script.keys.iter();
        request.extend(keys.map(|part| arg(format!("mq:{{{tag}}}:{part}"))));
        request.extend_from_slice(args);
        request
    }

    /// Calls these, each loaded where the server doesn't know it.
    fn run_all(&mut self, calls: &[(&str, &str, Vec<Vec<u8>>)]) -> io::Result<Vec<Reply>> {
        if self.after.is_some() && calls.len() > 1 {
            let one = |call: &(&str, &str, Vec<Vec<u8>>)| self.run(call.0, call.1, call.2.clone());
            return calls.iter().map(one).collect();
        }
        let requests: Vec<_> = calls
            .iter()
            .map(|(script, tag, args)| self.request(script, tag, args))
            .collect();
        let replies = self.connection.ask_all(&requests)?;
        let unknown = |reply: &Reply| matches!(reply, Reply::Error(e) if e.starts_with("NOSCRIPT"));
        let mut answered = Vec::new();
        for ((mut reply, request), (script, _, _)) in replies.into_iter().zip(&requests).zip(calls)
        {
            // Between the two the server may forget it again.
            for _ in 0..ROUNDS {
                if !unknown(&reply) {
                    break;
                }
                let text = self.scripts[*script].text.clone();
                let load = vec![b"SCRIPT".to_vec(), b"LOAD".to_vec(), text];
                self.connection.ask(&load)?;
                reply = self.connection.ask(request)?;
            }
            answered.push(reply);
        }
        if let Some(after) = &mut self.after {
            after(&mut self.connection);
        }
        Ok(answered)
    }

    pub fn run(&mut self, script: &str, tag: &str, args: Vec<Vec<u8>>) -> io::Result<Reply> {
        let mut replies = self.run_all(&[(script, tag, args)])?;
        Ok(replies.pop().expect("one reply"))
    }

    /// Calls until it is no MORE; a claim is handed to sweep. Never with `force`: here the order is kept.
    fn run_swept(
        &mut self,
        script: &str,
        tag: &str,
        claim: &str,
        args: Vec<Vec<u8>>,
    ) -> io::Result<Reply> {
        let mut reply = self.run(script, tag, args.clone())?;
        let mut letters = 0;
        for _ in 0..ROUNDS {
            let Reply::Error(error) = &reply else { break };
            if !error.starts_with("MORE") {
                break;
            }
            let sweep = ("sweep", tag, vec![self.time(), arg(claim), Vec::new()]);
            let mut replies = self.run_all(&[sweep, (script, tag, args.clone())])?;
            reply = replies.pop().expect("two replies");
            letters = replies.pop().expect("two replies").list()[1].number();
        }
        if letters > 0 {
            self.carried(tag);
        }
        Ok(reply)
    }

    /// What each call begins with.
    pub fn time(&self) -> Vec<u8> {
        self.now.map_or(Vec::new(), arg)
    }

    /// Where the letters can't be carried now, another will.
    fn carried(&mut self, tag: &str) {
        if let Err(error) = self.carry(tag) {
            self.gone(&error);
        }
    }

    fn gone(&mut self, error: &io::Error) {
        assert!(self.faults, "the connection: {error}");
        self.reconnect();
    }

    /// A connection that goes before the reply comes. When the server has forgotten it, it has done what was sent.
    fn lose(&mut self, request: &Request) -> io::Result<()> {
        let fresh = Connection::open(&self.socket)?;
        let mut lost = std::mem::replace(&mut self.connection, fresh);
        let id = vec![b"CLIENT".to_vec(), b"ID".to_vec()];
        let id = lost.ask(&id)?.number();
        lost.send(std::slice::from_ref(request))?;
        drop(lost);
        let list = vec![b"CLIENT".to_vec(), b"LIST".to_vec(), arg("ID"), arg(id)];
        while !self.connection.ask(&list)?.bytes().is_empty() {}
        Ok(())
    }
}

impl Client for Plain {
    fn ask(
        &mut self,
        group: usize,
        queue: usize,
        who: u32,
        call: &Call,
        lose: Option<u64>,
    ) -> Outcome {
        let tag = format!("{PROJECT}/{}", self.names[group][queue]);
        let (script, mut args) = arguments(who, call);
        args[0] = self.time();
        if lose.is_some() {
            let request = self.request(script, &tag, &args);
            if let Err(error) = self.lose(&request) {
                self.gone(&error);
            }
            return Outcome::Lost;
        }
        let claim = match call {
            Call::Claim { claim, .. } => claim.clone(),
            _ => String::new(),
        };
        match self.run_swept(script, &tag, &claim, args) {
            Err(error) => {
                self.gone(&error);
                Outcome::Lost
            }
            Ok(Reply::Error(error)) => refusal(&error),
            Ok(reply) => {
                if let (Call::Release { .. } | Call::Nack { .. }, Reply::List(counts)) =
                    (call, &reply)
                    && counts[1].number() > 0
                {
                    self.carried(&tag);
                }
                outcome(call, &reply)
            }
        }
    }
}

fn read_scripts(lua: &Path) -> HashMap<String, Script> {
    let manifest = std::fs::read(lua.join("manifest.json")).expect("the manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let read = |script: &Value| {
        let keys = script["keys"].as_array().expect("keys").iter();
        let read = Script {
            sha1: text(&script["sha1"]),
            text: std::fs::read(lua.join(text(&script["file"]))).expect("a script"),
            keys: keys.map(text).collect(),
        };
        (text(&script["name"]), read)
    };
    let scripts = manifest["scripts"].as_array().expect("scripts").iter();
    scripts.map(read).collect()
}

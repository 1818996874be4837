//! The way between the client that is to be killed and the server: it opens for each request, and for each reply.
//!
//! Guards that the moment of a kill is chosen, not met by chance: nothing passes that whoever watches the gate has not
//! let through, wholly or in half, and a request is passed on only when the one before it was answered.

use std::io::{BufReader, Result, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::wire;

/// What has come to the gate, or by the side of it.
pub enum Event {
    /// A request, of which the server knows nothing yet.
    Asked(String, SyncSender<Verdict>),
    /// The server's reply to it, of which the client knows nothing yet.
    Answered(SyncSender<Verdict>),
    /// What the client says when its operation is over.
    Said(String),
    /// The client's process has ended by itself.
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    /// The first half of its bytes, and nothing more until the client is gone.
    Half,
    /// Nothing until the client is gone.
    Stop,
}

type Watcher = Arc<Mutex<Option<Sender<Event>>>>;

pub struct Gate {
    path: PathBuf,
    watcher: Watcher,
}

impl Gate {
    pub fn before(server: &Path, path: PathBuf) -> Gate {
        let listener = UnixListener::bind(&path).expect("a socket");
        let watcher = Watcher::default();
        let (server, watched) = (server.to_owned(), Arc::clone(&watcher));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let asked = watched.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(watcher) = asked.clone() else { return };
                let server = UnixStream::connect(&server).expect("the server");
                // Ends with the client, whose death is no error.
                thread::spawn(move || _ = carry(client, server, &watcher));
            }
        });
        Gate { path, watcher }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What comes to the gate from now on; and how to tell of more.
    pub fn watch(&self) -> (Receiver<Event>, Sender<Event>) {
        let (tell, events) = channel();
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        *watcher = Some(tell.clone());
        (events, tell)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // Wakes who waits for the next client, and ends it.
        _ = UnixStream::connect(&self.path);
    }
}

fn carry(client: UnixStream, server: UnixStream, watcher: &Sender<Event>) -> Result<()> {
    let (mut to_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let (mut from_client, mut from_server) = (BufReader::new(client), BufReader::new(server));
    while let Some(request) = wire::frame(&mut from_client)? {
        let name = wire::name(&wire::words(&request));
        if wire::is_subscription(&name) {
            to_server.write_all(&request)?;
            return carry_freely(from_client, from_server, to_client, to_server);
        }
        let is_watched = wire::is_operation(&name);
        let ask = |make: &dyn Fn(SyncSender<Verdict>) -> Event| {
            let (tell, told) = sync_channel(1);
            if !is_watched || watcher.send(make(tell)).is_err() {
                return Verdict::Pass;
            }
            told.recv().unwrap_or(Verdict::Stop)
        };
        let verdict = ask(&|tell| Event::Asked(name.clone(), tell));
        if !pass(&request, verdict, &mut to_server)? {
            return until_gone(&mut from_client);
        }
        let Some(reply) = wire::frame(&mut from_server)? else {
            return Ok(());
        };
        let verdict = ask(&|tell| Event::Answered(tell));
        if !pass(&reply, verdict, &mut to_client)? {
            return until_gone(&mut from_client);
        }
    }
    Ok(())
}

/// Whether it passed as a whole.
fn pass(frame: &[u8], verdict: Verdict, to: &mut UnixStream) -> Result<bool> {
    let length = match verdict {
        Verdict::Pass => frame.len(),
        Verdict::Half => frame.len() / 2,
        Verdict::Stop => 0,
    };
    to.write_all(&frame[..length])?;
    Ok(verdict == Verdict::Pass)
}

/// What the client still sends goes nowhere.
fn until_gone(from_client: &mut BufReader<UnixStream>) -> Result<()> {
    std::io::copy(from_client, &mut std::io::sink()).map(drop)
}

/// A connection on which the server speaks unasked: nothing is done on it, and nobody watches.
fn carry_freely(
    mut from_client: BufReader<UnixStream>,
    mut from_server: BufReader<UnixStream>,
    mut to_client: UnixStream,
    mut to_server: UnixStream,
) -> Result<()> {
    thread::spawn(move || {
        _ = std::io::copy(&mut from_server, &mut to_client);
    });
    _ = std::io::copy(&mut from_client, &mut to_server);
    to_server.shutdown(std::net::Shutdown::Both)
}

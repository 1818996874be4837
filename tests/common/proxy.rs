//! A wire between client and server that can lose and exchange replies, fall silent, and break.

// Each test binary compiles this module and uses its own part of it.
#![allow(dead_code)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

pub struct Proxy {
    port: u16,
    switches: Arc<Switches>,
}

/// What becomes of a request and its reply.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fate {
    /// Nothing: this is for what comes behind it.
    Passed,
    /// It is done, and the reply is lost, and the connection with it.
    Lost,
    /// It is done, and answered with something that no script answers.
    Foreign,
    /// It does not come to the server, which seems to be full.
    Refused,
}

#[derive(Default)]
struct Switches {
    /// Whose request is waited for, and its fate.
    fates: Mutex<VecDeque<(String, Fate)>>,
    swallow: AtomicBool,
    drop_next: AtomicBool,
    close: Notify,
    /// A reply was swallowed.
    swallowed: Notify,
    /// How many connections there were.
    connections: AtomicUsize,
    /// Connections up to this number have fallen silent.
    silent: AtomicUsize,
}

impl Proxy {
    pub async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let switches = Arc::new(Switches::default());
        tokio::spawn(accept(listener, server, Arc::clone(&switches)));
        Proxy { port, switches }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Requests go through, replies don't.
    pub fn swallow_replies(&self, swallow: bool) {
        self.switches.swallow.store(swallow, Ordering::SeqCst);
    }

    /// Until a reply has been swallowed since this was last waited for.
    pub async fn until_swallowed(&self) {
        self.switches.swallowed.notified().await;
    }

    /// The next reply is lost, and the connection with it.
    pub fn drop_after_next_reply(&self) {
        self.switches.drop_next.store(true, Ordering::SeqCst);
    }

    /// One after the other: the next request that has this text in it meets this fate. It is to be small, and so is its
    /// reply.
    pub fn fates<'a>(&self, fates: impl IntoIterator<Item = (&'a str, Fate)>) {
        let fates = fates
            .into_iter()
            .map(|(text, fate)| (text.to_owned(), fate));
        self.switches.fates.lock().unwrap().extend(fates);
    }

    /// Those that have not come to pass.
    pub fn fates_left(&self) -> Vec<(String, Fate)> {
        self.switches
            .fates
            .lock()
            .unwrap()
            .iter()
            .cloned()
            .collect()
    }

    /// The connections there are stay open, and no reply comes on them any more; new ones work.
    pub fn silence(&self) {
        let connections = self.switches.connections.load(Ordering::SeqCst);
        self.switches.silent.store(connections, Ordering::SeqCst);
    }

    /// How many connections there were up to now.
    pub fn connections(&self) -> usize {
        self.switches.connections.load(Ordering::SeqCst)
    }

    /// No more connections; those there are end.
    pub fn close(&self) {
        self.switches.close.notify_waiters();
    }
}

impl Switches {
    fn fate_of(&self, request: &[u8]) -> Fate {
        let mut fates = self.fates.lock().unwrap();
        let has = |text: &str| request.windows(text.len()).any(|at| at == text.as_bytes());
        match fates.front() {
            Some((text, fate)) if has(text) => {
                let fate = *fate;
                fates.pop_front();
                fate
            }
            _ => Fate::Passed,
        }
    }
}

async fn accept(listener: TcpListener, server: u16, switches: Arc<Switches>) {
    loop {
        tokio::select! {
            () = switches.close.notified() => return,
            Ok((client, _)) = listener.accept() => {
                let switches = Arc::clone(&switches);
                let number = switches.connections.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::spawn(async move {
                    let server = TcpStream::connect(("127.0.0.1", server)).await?;
                    tokio::select! {
                        () = switches.close.notified() => Ok(()),
                        ended = carry(client, server, &switches, number) => ended,
                    }
                });
            }
        }
    }
}

async fn carry(
    client: TcpStream,
    server: TcpStream,
    switches: &Switches,
    number: usize,
) -> std::io::Result<()> {
    // What is small goes at once, as it does without a proxy.
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let fate = Mutex::new(Fate::Passed);
    let requests = async {
        let mut buffer = vec![0; 65_536];
        loop {
            let length = from_client.read(&mut buffer).await?;
            if length == 0 {
                return Ok(());
            }
            let is_next = switches.fate_of(&buffer[..length]);
            if is_next != Fate::Passed {
                *fate.lock().unwrap() = is_next;
            }
            match is_next {
                // It is the reply that says no.
                Fate::Refused => to_server.write_all(b"PING\r\n").await?,
                _ => to_server.write_all(&buffer[..length]).await?,
            }
        }
    };
    let replies = async {
        let mut buffer = vec![0; 65_536];
        loop {
            let length = from_server.read(&mut buffer).await?;
            if length == 0 || switches.drop_next.swap(false, Ordering::SeqCst) {
                return Ok(());
            }
            let fate = std::mem::replace(&mut *fate.lock().unwrap(), Fate::Passed);
            let reply: &[u8] = match fate {
                Fate::Lost => return Ok(()),
                Fate::Foreign => b"+PONG\r\n",
                Fate::Refused => b"-OOM no room\r\n",
                Fate::Passed => &buffer[..length],
            };
            let is_silent = number <= switches.silent.load(Ordering::SeqCst);
            if switches.swallow.load(Ordering::SeqCst) {
                switches.swallowed.notify_one();
            } else if !is_silent {
                to_client.write_all(reply).await?;
            }
        }
    };
    tokio::select! {
        ended = requests => ended,
        ended = replies => ended,
    }
}

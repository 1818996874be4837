//! A server on loopback that speaks the protocol: one that passes on and writes down, and one that lies.
//!
//! Guards that a lie is met by nobody but the call it is meant for: each case has its own server.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;

use super::lies::Lie;
use super::resp::Reply;

/// Listens until it is dropped.
pub struct Liar {
    pub url: String,
    task: JoinHandle<()>,
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a server answered to the calls of one operation, in their order.
pub type Record = Arc<Mutex<Vec<Reply>>>;

/// What it answers.
enum Part {
    /// What the real server says, which it writes down.
    Truth { socket: PathBuf, record: Record },
    /// What was written down; from one answer on, a lie in its place.
    Lies {
        good: Vec<Reply>,
        at: usize,
        lie: Lie,
        asked: AtomicUsize,
    },
}

impl Liar {
    pub async fn truthful(socket: PathBuf, record: Record) -> Self {
        Self::start(Part::Truth { socket, record }).await
    }

    pub async fn lying(good: Vec<Reply>, at: usize, lie: Lie) -> Self {
        Self::start(Part::Lies {
            good,
            at,
            lie,
            asked: AtomicUsize::new(0),
        })
        .await
    }

    async fn start(part: Part) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("its number").port();
        let part = Arc::new(part);
        let task = tokio::spawn(async move {
            let mut speaking = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let part = Arc::clone(&part);
                // A client that goes away is no error here.
                speaking.spawn(async move { part.speak(client).await.ok() });
            }
        });
        Liar {
            url: format!("redis://127.0.0.1:{port}"),
            task,
        }
    }
}

impl Part {
    async fn speak(&self, mut client: TcpStream) -> std::io::Result<()> {
        client.set_nodelay(true)?;
        let mut server = match self {
            Part::Truth { socket, .. } => Some(UnixStream::connect(socket).await?),
            Part::Lies { .. } => None,
        };
        let (mut asked, mut answered) = (Vec::new(), Vec::new());
        loop {
            let request = next(&mut client, &mut asked).await?;
            let is_greeting = is_greeting(&request);
            match (self, &mut server) {
                (Part::Truth { record, .. }, Some(server)) => {
                    server.write_all(&request.bytes()).await?;
                    let reply = next(server, &mut answered).await?;
                    client.write_all(&reply.bytes()).await?;
                    if !is_greeting {
                        record.lock().expect("nobody panics here").push(reply);
                    }
                }
                _ if is_greeting => client.write_all(&greeting(&request)).await?,
                _ => {
                    if self.lie(&mut client).await? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// The next answer that was written down, or the lie; true where the connection is to end.
    async fn lie(&self, client: &mut TcpStream) -> std::io::Result<bool> {
        let Part::Lies {
            good,
            at,
            lie,
            asked,
        } = self
        else {
            return Ok(true);
        };
        let number = asked.fetch_add(1, Ordering::Relaxed);
        if number < *at {
            client.write_all(&good[number].bytes()).await?;
            return Ok(false);
        }
        for piece in &lie.pieces {
            client.write_all(piece).await?;
            if lie.pieces.len() > 1 {
                tokio::task::yield_now().await;
            }
        }
        Ok(lie.then_close)
    }
}

/// What a client says when it connects, and the loading of scripts, which every server has by then.
fn is_greeting(request: &Reply) -> bool {
    let greetings: [&[u8]; 4] = [b"HELLO", b"CLIENT", b"SCRIPT", b"SELECT"];
    request
        .words()
        .first()
        .is_some_and(|word| greetings.contains(word))
}

fn greeting(request: &Reply) -> Vec<u8> {
    match request.words().first() {
        Some(word) if word == b"HELLO" => {
            b"%3\r\n+server\r\n+redis\r\n+version\r\n+7.0.15\r\n+proto\r\n:3\r\n".to_vec()
        }
        _ => b"+OK\r\n".to_vec(),
    }
}

async fn next(from: &mut (impl AsyncRead + Unpin), held: &mut Vec<u8>) -> std::io::Result<Reply> {
    loop {
        if let Some((reply, length)) = Reply::read(held) {
            held.drain(..length);
            return Ok(reply);
        }
        if from.read_buf(held).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

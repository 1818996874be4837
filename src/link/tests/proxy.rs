//! A wire between client and server that can lose replies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

pub(super) struct Proxy {
    port: u16,
    switches: Arc<Switches>,
}

#[derive(Default)]
struct Switches {
    swallow: AtomicBool,
    drop_next: AtomicBool,
    close: Notify,
}

impl Proxy {
    pub(super) async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let switches = Arc::new(Switches::default());
        tokio::spawn(accept(listener, server, Arc::clone(&switches)));
        Proxy { port, switches }
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Requests go through, replies don't.
    pub(super) fn swallow_replies(&self, swallow: bool) {
        self.switches.swallow.store(swallow, Ordering::SeqCst);
    }

    /// The next reply is lost, and the connection with it.
    pub(super) fn drop_after_next_reply(&self) {
        self.switches.drop_next.store(true, Ordering::SeqCst);
    }

    /// No more connections; those there are end.
    pub(super) fn close(&self) {
        self.switches.close.notify_waiters();
    }
}

async fn accept(listener: TcpListener, server: u16, switches: Arc<Switches>) {
    loop {
        tokio::select! {
            () = switches.close.notified() => return,
            Ok((client, _)) = listener.accept() => {
                let switches = Arc::clone(&switches);
                tokio::spawn(async move {
                    let server = TcpStream::connect(("127.0.0.1", server)).await?;
                    tokio::select! {
                        () = switches.close.notified() => Ok(()),
                        ended = carry(client, server, &switches) => ended,
                    }
                });
            }
        }
    }
}

async fn carry(client: TcpStream, server: TcpStream, switches: &Switches) -> std::io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = async {
        tokio::io::copy(&mut from_client, &mut to_server)
            .await
            .map(drop)
    };
    let replies = async {
        let mut buffer = [0; 4096];
        loop {
            let length = from_server.read(&mut buffer).await?;
            if length == 0 || switches.drop_next.swap(false, Ordering::SeqCst) {
                return Ok(());
            }
            if !switches.swallow.load(Ordering::SeqCst) {
                to_client.write_all(&buffer[..length]).await?;
            }
        }
    };
    tokio::select! {
        ended = requests => ended,
        ended = replies => ended,
    }
}

//! What stands between client and server and loses things: requests and replies, wholly or in part, now or for a while.
//!
//! Guards that what is lost is known: each fault is counted, and a request is passed on only when the one before it was
//! answered, so what was cut off has been done by then or never will be; but for those that come late, which are waited for.

use std::io::{BufReader, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use super::fault::Fault;
use crate::rng::Rng;
use crate::wire;

pub struct Middle {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    server: PathBuf,
    faults: &'static [(u64, Fault)],
    is_over: AtomicBool,
    /// Connections that are not through with what was sent on them.
    lines: AtomicUsize,
    state: Mutex<State>,
}

struct State {
    rng: Rng,
    /// Nobody gets through until then.
    out_until: Instant,
    counts: Vec<(Fault, u64)>,
    /// Requests that the middle itself has sent twice.
    doubled: Vec<Vec<u8>>,
}

impl Middle {
    /// One of the faults for each request: how often of a thousand, and which.
    pub fn before(server: &Path, rng: Rng, faults: &'static [(u64, Fault)]) -> Middle {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its number").port();
        let state = State {
            rng,
            out_until: Instant::now(),
            counts: faults.iter().map(|(_, fault)| (*fault, 0)).collect(),
            doubled: Vec::new(),
        };
        let shared = Arc::new(Shared {
            server: server.to_owned(),
            faults,
            is_over: AtomicBool::new(false),
            lines: AtomicUsize::new(0),
            state: Mutex::new(state),
        });
        let accepts = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &accepts));
        Middle { port, shared }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// When all clients have gone: waits until what they sent has come to the server, also what is late.
    pub fn settle(&self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        while self.shared.lines.load(Ordering::SeqCst) > 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// How many faults there have been.
    pub fn hits(&self) -> u64 {
        self.shared
            .state()
            .counts
            .iter()
            .map(|(_, count)| count)
            .sum()
    }

    pub fn counts(&self) -> Vec<(Fault, u64)> {
        self.shared.state().counts.clone()
    }

    /// Whether it has itself sent a request with these bytes in it twice.
    pub fn has_doubled(&self, bytes: &[u8]) -> bool {
        let state = self.shared.state();
        let has = |request: &Vec<u8>| request.windows(bytes.len()).any(|there| there == bytes);
        state.doubled.iter().any(has)
    }
}

impl Drop for Middle {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes who waits for the next client, and ends it.
        _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no connection failed")
    }

    fn is_out(&self) -> bool {
        Instant::now() < self.state().out_until && !self.is_over.load(Ordering::SeqCst)
    }

    /// What becomes of a request, and how long it takes.
    fn draw(&self) -> (Fault, Duration) {
        if self.is_over.load(Ordering::SeqCst) {
            return (Fault::None, Duration::ZERO);
        }
        let mut state = self.state();
        let mut ticket = state.rng.below(1000) as u64;
        let drawn = self.faults.iter().position(|(often, _)| {
            let found = ticket < *often;
            ticket = ticket.saturating_sub(*often);
            found
        });
        let Some(at) = drawn else {
            return (Fault::None, Duration::ZERO);
        };
        state.counts[at].1 += 1;
        let fault = self.faults[at].1;
        let (low, high) = fault.lasts();
        let lasts = Duration::from_millis(state.rng.between(low, high));
        if fault == Fault::Outage {
            state.out_until = Instant::now() + lasts;
        }
        (fault, lasts)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming().map_while(Result::ok) {
        if Arc::strong_count(shared) == 1 {
            return;
        }
        if shared.is_out() {
            continue;
        }
        let shared = Arc::clone(shared);
        shared.lines.fetch_add(1, Ordering::SeqCst);
        thread::spawn(move || {
            // Ends when one of the two goes, which is what happens here.
            _ = Line::open(client, Arc::clone(&shared)).and_then(Line::carry);
            shared.lines.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// One connection.
struct Line {
    shared: Arc<Shared>,
    from_client: BufReader<TcpStream>,
    to_client: TcpStream,
    from_server: BufReader<UnixStream>,
    to_server: UnixStream,
}

impl Line {
    fn open(client: TcpStream, shared: Arc<Shared>) -> Result<Line> {
        client.set_nodelay(true)?;
        let server = UnixStream::connect(&shared.server)?;
        Ok(Line {
            shared,
            to_client: client.try_clone()?,
            from_client: BufReader::new(client),
            to_server: server.try_clone()?,
            from_server: BufReader::new(server),
        })
    }

    fn carry(mut self) -> Result<()> {
        while let Some(request) = wire::frame(&mut self.from_client)? {
            if self.shared.is_out() {
                return Ok(());
            }
            let name = wire::name(&wire::words(&request));
            let (fault, lasts) = match wire::is_operation(&name) {
                true => self.shared.draw(),
                false => (Fault::None, Duration::ZERO),
            };
            if !self.pass(request, fault, lasts)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether the connection goes on.
    fn pass(&mut self, request: Vec<u8>, fault: Fault, lasts: Duration) -> Result<bool> {
        match fault {
            Fault::RequestLost | Fault::Outage => return Ok(false),
            Fault::RequestCut => {
                self.to_server.write_all(&request[..request.len() / 2])?;
                return Ok(false);
            }
            Fault::RequestLate => {
                self.to_client.shutdown(std::net::Shutdown::Both)?;
                thread::sleep(lasts);
                return self.ask(&request).map(|_| false);
            }
            Fault::RequestDelayed => thread::sleep(lasts),
            _ => {}
        }
        let Some(reply) = self.ask(&request)? else {
            return Ok(false);
        };
        match fault {
            Fault::ReplyLost => return Ok(false),
            Fault::ReplyCut => {
                self.to_client.write_all(&reply[..reply.len() / 2])?;
                return Ok(false);
            }
            Fault::Silence => {
                // Until the client has no more patience.
                _ = self.from_client.read_to_end(&mut Vec::new());
                return Ok(false);
            }
            Fault::RequestTwice => {
                self.shared.state().doubled.push(request.clone());
                self.ask(&request)?;
                return Ok(false);
            }
            // With more requests behind it the second would be taken for the reply to the next: replies bear no number.
            Fault::ReplyTwice if self.from_client.buffer().is_empty() => {
                self.to_client.write_all(&reply.repeat(2))?;
                return Ok(false);
            }
            // In place of a refusal it would say that something was done.
            Fault::ReplyForeign if !reply.starts_with(b"-") => {
                // Well formed, and nothing that any script answers.
                self.to_client.write_all(b"+PONG\r\n")?;
                return Ok(true);
            }
            Fault::ReplyDelayed => thread::sleep(lasts),
            _ => {}
        }
        self.to_client.write_all(&reply)?;
        Ok(true)
    }

    fn ask(&mut self, request: &[u8]) -> Result<Option<Vec<u8>>> {
        self.to_server.write_all(request)?;
        wire::frame(&mut self.from_server)
    }
}

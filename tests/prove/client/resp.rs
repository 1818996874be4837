//! The server's protocol, as much of it as scripts need, over the standard library alone.
//!
//! Guards that requests and replies stay in step: all replies of a pipeline are read before the next is sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

#[derive(Clone, Debug)]
pub enum Reply {
    Number(i64),
    Bytes(Vec<u8>),
    List(Vec<Reply>),
    Error(String),
    Nil,
}

impl Reply {
    pub fn number(&self) -> u64 {
        match self {
            Reply::Number(number) => *number as u64,
            other => panic!("a number was to come, not {other:?}"),
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match self {
            Reply::Bytes(bytes) => bytes,
            other => panic!("bytes were to come, not {other:?}"),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    pub fn list(&self) -> &[Reply] {
        match self {
            Reply::List(list) => list,
            other => panic!("a list was to come, not {other:?}"),
        }
    }
}

pub struct Connection(BufReader<UnixStream>);

/// A command and its arguments.
pub type Request = Vec<Vec<u8>>;

impl Connection {
    pub fn open(socket: &Path) -> std::io::Result<Self> {
        UnixStream::connect(socket).map(|stream| Connection(BufReader::new(stream)))
    }

    pub fn ask(&mut self, request: &Request) -> std::io::Result<Reply> {
        let mut replies = self.ask_all(std::slice::from_ref(request))?;
        Ok(replies.pop().expect("a reply for each request"))
    }

    /// A plain command, which is not refused.
    pub fn command(&mut self, words: &[&str]) -> Reply {
        let request = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        match self.ask(&request) {
            Ok(Reply::Error(error)) => panic!("{words:?}: {error}"),
            Ok(reply) => reply,
            Err(error) => panic!("{words:?}: {error}"),
        }
    }

    /// Sends all at once, and reads all replies.
    pub fn ask_all(&mut self, requests: &[Request]) -> std::io::Result<Vec<Reply>> {
        self.send(requests)?;
        requests.iter().map(|_| self.read()).collect()
    }

    /// Without reading what comes of it.
    pub fn send(&mut self, requests: &[Request]) -> std::io::Result<()> {
        let mut text = Vec::new();
        for request in requests {
            write!(text, "*{}\r\n", request.len())?;
            for argument in request {
                write!(text, "${}\r\n", argument.len())?;
                text.extend_from_slice(argument);
                text.extend_from_slice(b"\r\n");
            }
        }
        self.0.get_mut().write_all(&text)
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    fn read(&mut self) -> std::io::Result<Reply> {
        let line = self.line()?;
        let (kind, rest) = line.split_at(1);
        let length = rest.parse::<i64>();
        Ok(match (kind, length) {
            ("-", _) => Reply::Error(rest.to_owned()),
            ("+", _) => Reply::Bytes(rest.as_bytes().to_vec()),
            (":", Ok(number)) => Reply::Number(number),
            ("$" | "*", Ok(-1)) => Reply::Nil,
            ("$", Ok(length)) => {
                let mut bytes = vec![0; length as usize + 2];
                self.0.read_exact(&mut bytes)?;
                bytes.truncate(length as usize);
                Reply::Bytes(bytes)
            }
            ("*", Ok(length)) => {
                let replies: Result<_, _> = (0..length).map(|_| self.read()).collect();
                Reply::List(replies?)
            }
            _ => panic!("{line:?} is no reply"),
        })
    }
}

//! Many connections at once.
//!
//! Guards that each request is one of its own to the server: read, answered and sent back by itself, with others waiting
//! beside it, so that the server neither merges them nor sleeps between them.

use redis::{Connection, Pipeline, RedisResult, Value};

/// As many as redis-benchmark is told to open.
const CONNECTIONS: usize = 64;

/// The connections.
pub struct Crowd(Vec<Connection>);

impl Crowd {
    pub fn connect(url: &str) -> RedisResult<Crowd> {
        let client = redis::Client::open(url)?;
        let all: RedisResult<_> = (0..CONNECTIONS).map(|_| client.get_connection()).collect();
        Ok(Crowd(all?))
    }

    /// Sends each request from the next connection; the replies, in order. Raises the first that is an error.
    pub fn send(&mut self, requests: &[Pipeline]) -> RedisResult<Vec<Value>> {
        let mut replies = Vec::new();
        for together in requests.chunks(CONNECTIONS) {
            for (connection, request) in self.0.iter_mut().zip(together) {
                connection.send_packed_command(&request.get_packed_pipeline())?;
            }
            for (connection, request) in self.0.iter_mut().zip(together) {
                for _ in 0..request.len() {
                    replies.push(connection.recv_response()?.extract_error()?);
                }
            }
        }
        Ok(replies)
    }
}

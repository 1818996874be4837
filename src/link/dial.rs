//! Making a connection to the server of a URL.
//!
//! Guards that a broken connection shows at once: it speaks RESP3, in which redis tells of it, and in
//! which the server tells of what it publishes.

use std::fmt;
use std::sync::Arc;

use redis::aio::{AsyncPushSender, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisError,
    RedisResult,
};

use redis::sentinel::SentinelClient;
use tokio::sync::Mutex;

use super::sentinel::Sentinels;
use super::verdict;
use crate::error::{Cause, Error, Result};

/// Knows where the server is, and how to be let in.
#[derive(Clone)]
pub(crate) struct Dialler {
    server: Server,
    config: AsyncConnectionConfig,
}

#[derive(Clone)]
enum Server {
    /// At one address.
    At(Box<Client>),
    /// Wherever the sentinels say; with what is shown of it.
    Watched(Arc<Mutex<SentinelClient>>, Arc<str>),
}

impl Dialler {
    /// To the one server of a URL.
    pub(super) fn open(url: &str) -> Result<Self> {
        let opened = url.into_connection_info().and_then(Self::at);
        opened.map_err(|error| Error::invalid("url", Cause::redis(&error).to_string()))
    }

    pub(super) fn at(info: ConnectionInfo) -> RedisResult<Self> {
        Ok(Self::to(Server::At(Box::new(Client::open(info)?))))
    }

    /// To the primary that the sentinels of a URL look after.
    pub(super) fn watched(url: &str, master: String) -> Result<Self> {
        let sentinels = Sentinels::of(url, master)?;
        let client = Mutex::new(sentinels.client()?);
        let server = Server::Watched(Arc::new(client), sentinels.shown().into());
        Ok(Self::to(server))
    }

    fn to(server: Server) -> Self {
        choose_cryptography();
        // The deadline of the call rules; redis's own timeouts would cut it short.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            // More than its own 50, or calls at once would go out by fifties. How many may be under way
            // is bounded by the link.
            .set_pipeline_buffer_size(1024);
        Dialler { server, config }
    }

    /// A connection that tells `pushes` what the server sends unasked, and when it breaks.
    pub(crate) async fn dial(
        &self,
        pushes: impl AsyncPushSender,
    ) -> RedisResult<MultiplexedConnection> {
        let info = self.client().await?.get_connection_info().clone();
        let settings = info
            .redis_settings()
            .clone()
            .set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings))?;
        let config = self.config.clone().set_push_sender(pushes);
        client
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }

    /// One to a server that knows no RESP3, so that it shows only in use when it is broken.
    pub(super) async fn dial_plainly(&self) -> RedisResult<MultiplexedConnection> {
        let client = self.client().await?;
        client
            .get_multiplexed_async_connection_with_config(&self.config)
            .await
    }

    /// Of the server, where it is at the moment.
    async fn client(&self) -> RedisResult<Client> {
        match &self.server {
            Server::At(client) => Ok(Client::clone(client)),
            Server::Watched(sentinels, _) => sentinels.lock().await.async_get_client().await,
        }
    }

    /// Whether dialling may do better next time, after this error.
    pub(crate) fn is_worth_another_try(error: &RedisError) -> bool {
        verdict::is_worth_dialling_again(error)
    }
}

/// The address alone: user and password stand elsewhere.
impl fmt::Debug for Dialler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.server {
            Server::At(client) => write!(f, "{}", client.get_connection_info().addr()),
            Server::Watched(_, shown) => f.write_str(shown),
        }
    }
}

/// rustls wants one implementation chosen for the whole process, and panics where it has to choose
/// between two: a choice that the program made stands.
#[cfg(feature = "tls")]
fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails only where another thread was first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

#[cfg(not(feature = "tls"))]
fn choose_cryptography() {}

//! A primary that Redis Sentinel looks after: `redis://host:26379,other:26379?master=name`.
//!
//! Guards against the old primary: where it is is asked of the sentinels for each connection anew, and one
//! that says it is a replica by now is not taken.

use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{ConnectionAddr, ProtocolVersion, RedisResult, TlsMode};

use super::hosts::Hosts;
use crate::error::{Cause, Error, Result};

/// The port of a sentinel, where none is given.
const PORT: u16 = 26379;

/// The sentinels, and the name that they have for the primary. User, password and database are the primary's.
pub(super) struct Sentinels {
    hosts: Hosts,
    master: String,
}

impl Sentinels {
    pub(super) fn of(url: &str, master: String) -> Result<Self> {
        let hosts = Hosts::of(url, PORT)?;
        Ok(Sentinels { hosts, master })
    }

    pub(super) fn client(&self) -> Result<SentinelClient> {
        let built = self.build();
        built.map_err(|error| Error::invalid("url", Cause::redis(&error).to_string()))
    }

    fn build(&self) -> RedisResult<SentinelClient> {
        let Hosts {
            user, password, db, ..
        } = &self.hosts;
        let address = |(host, port): &(String, u16)| ConnectionAddr::Tcp(host.clone(), *port);
        let sentinels = self.hosts.addresses.iter().map(address);
        let kind = SentinelServerType::Master;
        let mut builder = SentinelClientBuilder::new(sentinels, &self.master, kind)?;
        if let Some(user) = user {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = password {
            builder = builder.set_client_to_redis_password(password);
        }
        if let Some(db) = db {
            builder = builder.set_client_to_redis_db(*db);
        }
        if self.hosts.tls {
            builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
        }
        builder
            .set_client_to_redis_protocol(ProtocolVersion::RESP3)
            .build()
    }

    /// Fit to be shown.
    pub(super) fn shown(&self) -> String {
        format!("{} by the sentinels {}", self.master, self.hosts.shown())
    }
}

//! A primary that Redis Sentinel looks after: `redis://host:26379,other:26379?master=name`.
//!
//! Guards against the old primary: where it is is asked of the sentinels for each connection anew, and one
//! that says it is a replica by now is not taken.

use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{ConnectionAddr, ProtocolVersion, RedisResult, TlsMode};

use crate::error::{Cause, Error, Result};

/// The port of a sentinel, where none is given.
const PORT: u16 = 26379;

/// What such a URL says. User, password and database are those of the primary.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sentinels {
    hosts: Vec<(String, u16)>,
    master: String,
    user: Option<String>,
    password: Option<String>,
    db: Option<i64>,
    tls: bool,
}

impl Sentinels {
    /// `None` where the URL names no master, and so is one of a server.
    pub(super) fn of(url: &str) -> Result<Option<Self>> {
        let Some((rest, query)) = url.split_once('?') else {
            return Ok(None);
        };
        let parameters = || query.split('&').filter_map(|pair| pair.split_once('='));
        let value = |name| parameters().find_map(|(key, value)| (key == name).then_some(value));
        let Some(master) = value("master") else {
            return Ok(None);
        };
        let bad = |detail: &'static str| Error::invalid("url", detail);
        let (scheme, rest) = rest
            .split_once("://")
            .ok_or_else(|| bad("wants redis://"))?;
        let tls = match scheme {
            "redis" => false,
            "rediss" => true,
            _ => return Err(bad("wants redis:// or rediss:// with a master")),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (login, hosts),
            None => ("", authority),
        };
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let given = |text: &str| (!text.is_empty()).then(|| decoded(text));
        let db = Some(path).filter(|path| !path.is_empty()).or(value("db"));
        let db = db.map(|db| db.parse().map_err(|_| bad("the database is no number")));
        let hosts: Option<Vec<_>> = hosts.split(',').map(host).collect();
        Ok(Some(Sentinels {
            hosts: hosts
                .ok_or_else(|| bad("wants hosts of sentinels, with commas between them"))?,
            master: decoded(master),
            user: given(user),
            password: given(password),
            db: db.transpose()?,
            tls,
        }))
    }

    pub(super) fn client(&self) -> Result<SentinelClient> {
        let built = self.build();
        built.map_err(|error| Error::invalid("url", Cause::redis(&error).to_string()))
    }

    fn build(&self) -> RedisResult<SentinelClient> {
        let address = |(host, port): &(String, u16)| ConnectionAddr::Tcp(host.clone(), *port);
        let sentinels = self.hosts.iter().map(address);
        let kind = SentinelServerType::Master;
        let mut builder = SentinelClientBuilder::new(sentinels, &self.master, kind)?;
        if let Some(user) = &self.user {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = &self.password {
            builder = builder.set_client_to_redis_password(password);
        }
        if let Some(db) = self.db {
            builder = builder.set_client_to_redis_db(db);
        }
        if self.tls {
            builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
        }
        builder
            .set_client_to_redis_protocol(ProtocolVersion::RESP3)
            .build()
    }

    /// Fit to be shown.
    pub(super) fn shown(&self) -> String {
        let hosts: Vec<_> = self
            .hosts
            .iter()
            .map(|(host, port)| format!("{host}:{port}"))
            .collect();
        format!("{} by the sentinels {}", self.master, hosts.join(","))
    }
}

fn host(text: &str) -> Option<(String, u16)> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() => Some((host.to_owned(), port.parse().ok()?)),
        Some(_) => None,
        None if text.is_empty() => None,
        None => Some((text.to_owned(), PORT)),
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_with_a_master_names_its_sentinels() {
        let read = |url| Sentinels::of(url).unwrap();
        assert_eq!(read("redis://127.0.0.1:6379/2"), None);
        assert_eq!(read("redis://127.0.0.1:6379?protocol=resp3"), None);
        let all = read("rediss://me:p%40ss@a:1,b,c:3/4?master=my%20one").unwrap();
        let hosts = [("a", 1), ("b", PORT), ("c", 3)];
        assert_eq!(all.hosts, hosts.map(|(host, port)| (host.to_owned(), port)));
        assert_eq!((&*all.master, all.db, all.tls), ("my one", Some(4), true));
        assert_eq!(
            (all.user.as_deref(), all.password.as_deref()),
            (Some("me"), Some("p@ss"))
        );
        let password_alone = read("redis://:secret@a?db=3&master=m").unwrap();
        assert_eq!((password_alone.user, password_alone.db), (None, Some(3)));
        assert_eq!(password_alone.password.as_deref(), Some("secret"));
        for bad in [
            "unix://a?master=m",
            "redis://?master=m",
            "redis://a:x?master=m",
            "redis://a/x?master=m",
        ] {
            assert_eq!(Sentinels::of(bad).unwrap_err().word(), "BADARG", "{bad}");
        }
    }
}

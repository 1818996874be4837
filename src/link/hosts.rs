//! URLs that name several hosts: `redis://user:password@host:1,other:2/0?name=value`.
//!
//! Guards that a login stays apart from what is shown.

use redis::ConnectionAddr;

use crate::error::{Error, Result};

/// What such a URL says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hosts {
    pub(super) addresses: Vec<(String, u16)>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) db: Option<i64>,
    pub(super) tls: bool,
}

impl Hosts {
    /// A host without a port has the one that is given here.
    pub(super) fn of(url: &str, port: u16) -> Result<Self> {
        let bad = |detail: &'static str| Error::invalid("url", detail);
        let (rest, _) = url.split_once('?').unwrap_or((url, ""));
        let (scheme, rest) = rest
            .split_once("://")
            .ok_or_else(|| bad("wants redis://"))?;
        let tls = match scheme {
            "redis" => false,
            "rediss" => true,
            _ => return Err(bad("wants redis:// or rediss:// with several hosts")),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (login, hosts),
            None => ("", authority),
        };
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let given = |text: &str| (!text.is_empty()).then(|| decoded(text));
        let db = parameter(url, "db");
        let db = Some(path).filter(|path| !path.is_empty()).or(db.as_deref());
        let db = db.map(|db| db.parse().map_err(|_| bad("the database is no number")));
        let addresses: Option<Vec<_>> = hosts.split(',').map(|text| host(text, port)).collect();
        Ok(Hosts {
            addresses: addresses.ok_or_else(|| bad("wants hosts, with commas between them"))?,
            user: given(user),
            password: given(password),
            db: db.transpose()?,
            tls,
        })
    }

    /// How one of the hosts is spoken to.
    pub(super) fn address(&self, host: &str, port: u16) -> ConnectionAddr {
        let host = host.to_owned();
        if self.tls {
            ConnectionAddr::TcpTls {
                host,
                port,
                insecure: false,
                tls_params: None,
            }
        } else {
            ConnectionAddr::Tcp(host, port)
        }
    }

    /// Fit to be shown.
    pub(super) fn shown(&self) -> String {
        let hosts: Vec<_> = self
            .addresses
            .iter()
            .map(|(host, port)| format!("{host}:{port}"))
            .collect();
        hosts.join(",")
    }
}

/// What stands in a URL's query under this name.
pub(super) fn parameter(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(key, value)| (key == name).then(|| decoded(value)))
}

fn host(text: &str, port: u16) -> Option<(String, u16)> {
    // An IPv6 address stands in brackets, and its own colons are none before a port.
    let (host, after) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match after.strip_prefix(':') {
        Some(port) => port.parse().ok()?,
        None if after.is_empty() => port,
        None => return None,
    };
    (!host.is_empty()).then(|| (host.to_owned(), port))
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
    fn a_url_of_several_hosts_is_taken_apart() {
        let all = Hosts::of("rediss://me:p%40ss@a:1,b,[::1]:3,[::2]/4?x=y", 7).unwrap();
        let hosts = [("a", 1), ("b", 7), ("::1", 3), ("::2", 7)];
        assert_eq!(
            all.addresses,
            hosts.map(|(host, port)| (host.to_owned(), port))
        );
        assert_eq!((all.db, all.tls), (Some(4), true));
        assert_eq!(
            (all.user.as_deref(), all.password.as_deref()),
            (Some("me"), Some("p@ss"))
        );
        let password_alone = Hosts::of("redis://:secret@a?db=3&master=m", 7).unwrap();
        assert_eq!((password_alone.user, password_alone.db), (None, Some(3)));
        assert_eq!(password_alone.password.as_deref(), Some("secret"));
        for bad in [
            "unix://a",
            "redis://",
            "redis://a:x",
            "redis://a,,b",
            "redis://[::1",
            "redis://a/x",
        ] {
            assert_eq!(Hosts::of(bad, 7).unwrap_err().word(), "BADARG", "{bad}");
        }
    }

    #[test]
    fn parameters_are_decoded() {
        let url = "redis://a?master=my%20one&cluster=true";
        assert_eq!(parameter(url, "master").as_deref(), Some("my one"));
        assert_eq!(parameter(url, "cluster").as_deref(), Some("true"));
        assert_eq!(parameter(url, "other"), None);
        assert_eq!(parameter("redis://a", "master"), None);
    }
}

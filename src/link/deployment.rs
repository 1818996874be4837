//! What a URL leads to: a server, the primary of some sentinels, or a cluster.
//!
//! Guards that the three are told apart by the URL alone.

use std::fmt;
use std::sync::Arc;

use super::cluster::Topology;
use super::dial::Dialler;
use super::hosts::parameter;
use crate::error::{Error, Result};

#[derive(Clone)]
pub(crate) enum Deployment {
    /// One address for all, maybe by way of sentinels.
    One(Dialler),
    Cluster(Arc<Topology>),
}

impl Deployment {
    pub(crate) fn open(url: &str) -> Result<Self> {
        let master = parameter(url, "master");
        let is_cluster = match parameter(url, "cluster").as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(Error::invalid("url", "cluster is true or false")),
        };
        match (is_cluster, master) {
            (false, None) => Dialler::open(url).map(Deployment::One),
            (false, Some(master)) => Dialler::watched(url, master).map(Deployment::One),
            (true, None) => Ok(Deployment::Cluster(Topology::open(url)?.into())),
            (true, Some(_)) => Err(Error::invalid(
                "url",
                "a cluster has no master of sentinels",
            )),
        }
    }
}

/// Addresses alone: user and password stand elsewhere.
impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Deployment::One(dialler) => dialler.fmt(f),
            Deployment::Cluster(topology) => topology.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_what_it_leads_to() {
        for (url, shown) in [
            ("redis://me:secret@127.0.0.1:6379/2", "127.0.0.1:6379"),
            ("redis://127.0.0.1?cluster=false", "127.0.0.1:6379"),
            (
                "redis://:secret@a,b:1?master=m",
                "m by the sentinels a:26379,b:1",
            ),
            (
                "redis://:secret@a,b:1/?cluster=true",
                "the cluster of a:6379,b:1",
            ),
        ] {
            assert_eq!(format!("{:?}", Deployment::open(url).unwrap()), shown);
        }
        for bad in [
            "redis://a?cluster=yes",
            "redis://a?cluster=true&master=m",
            "redis://a/1?cluster=true",
            "unix:///a?cluster=true",
            "unix:///a?master=m",
            "nothing",
        ] {
            assert_eq!(Deployment::open(bad).unwrap_err().word(), "BADARG", "{bad}");
        }
    }
}

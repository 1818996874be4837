//! The control plane in memory, and the names that the operations pick from.
//!
//! Guards nothing; it is what the scripts are compared with, so it is as plain as can be.

use std::collections::BTreeMap;

use crate::client::Outcome;

/// A name, as bytes: their order is the order of every listing.
pub type Name = Vec<u8>;
/// Of a project.
pub type Entry = (Name, Name);

pub const EMPTY_MAP: &[u8] = b"\x80";

#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    pub weight: u64,
    pub uri: Name,
    pub flavor: Name,
    pub options: Vec<u8>,
}

#[derive(Default)]
pub struct Plane {
    pub pools: BTreeMap<Name, Pool>,
    pub flavors: BTreeMap<Entry, Vec<u8>>,
    pub catalogue: BTreeMap<Entry, Name>,
    pub topic_catalogue: BTreeMap<Entry, Name>,
}

impl Plane {
    /// The pool of every queue and every topic.
    pub fn places(&self) -> impl Iterator<Item = &Name> {
        self.catalogue.values().chain(self.topic_catalogue.values())
    }

    /// How many queues and topics the catalogues have on a pool, there or not.
    pub fn queues_on(&self, pool: &[u8]) -> u64 {
        self.places().filter(|on| *on == pool).count() as u64
    }

    /// Another pool that has this uri.
    pub fn owner_of(&self, uri: &[u8], name: &[u8]) -> Option<&Name> {
        let mut others = self.pools.iter().filter(|(other, _)| *other != name);
        others
            .find(|(_, pool)| pool.uri == uri)
            .map(|(other, _)| other)
    }

    /// Where among the weights of the flavor's pools a random number falls.
    pub fn choice(&self, flavor: &[u8], random: u64) -> Option<Name> {
        let pools: Vec<_> = self
            .pools
            .iter()
            .filter(|(_, pool)| pool.flavor == flavor)
            .collect();
        let sum: u64 = pools.iter().map(|(_, pool)| pool.weight).sum();
        let point = (random as f64 / 4_294_967_296.0 * sum as f64).floor() as u64;
        let mut end = 0;
        for (name, pool) in pools {
            end += pool.weight;
            if point < end {
                return Some(name.clone());
            }
        }
        None
    }

    /// A pool's uri and options as the catalogue shows them.
    pub fn shown_of(&self, pool: &[u8]) -> (&[u8], &[u8]) {
        match self.pools.get(pool) {
            Some(pool) => (&pool.uri, &pool.options),
            None => (b"", EMPTY_MAP),
        }
    }
}

/// A refusal.
pub fn refusal(word: &str, detail: String) -> Outcome {
    Err((word.to_owned(), detail))
}

/// A name as a refusal shows it: 64 characters, and `?` for what is none.
pub fn shown(name: &[u8]) -> String {
    let continues = |byte: &u8| (128..192).contains(byte);
    let mut rest = name;
    let mut text = String::new();
    for _ in 0..64 {
        let Some((_, after)) = rest.split_first() else {
            break;
        };
        let first = usize::from(!continues(&rest[0]));
        let more = rest[first..].iter().take_while(|byte| continues(byte));
        let length = first + more.count();
        debug_assert!(length <= after.len() + 1);
        let good = std::str::from_utf8(&rest[..length]).ok();
        let good = good.filter(|char| !char.bytes().any(|byte| byte < 32 || byte == 127));
        text.push_str(good.unwrap_or("?"));
        rest = &rest[length..];
    }
    text
}

/// Names of pools, queues and flavors: of each order that a locale may have and bytes have not.
pub fn names() -> Vec<Name> {
    let plain = [
        "a", "B", "b", "A b", "a/b", "a:b", "{x}", "é", "e", "z", "Ä", "10", "9", "-1",
    ];
    let mut names: Vec<Name> = plain.iter().map(|name| name.as_bytes().to_vec()).collect();
    names.push(vec![b'n'; 256]);
    // Cut after 64 bytes it would be no UTF-8.
    names.push(format!("a{}", "😀".repeat(63)).into_bytes());
    names.push(b"\xff\xfe\x80 no UTF-8 \xed\xa0\x80\xc0".to_vec());
    names
}

/// Projects as they stand in tags, one of them the beginning of another.
pub const PROJECTS: &[&str] = &["", "p", "p0", "a%2Fb", "0", "é q"];
pub const FLAVORS: &[&str] = &["gold", "silver", "größe", "a/b"];

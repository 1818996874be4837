//! The clients in Rust that are measured from outside: each is this program again, as a process of its own.
//!
//! Guards that a client is used as its documentation says, and that what is seen of its calls is what its user sees.

pub mod apalis;
pub mod ours;

/// A text whose MessagePack or JSON has about a hundred bytes.
fn text() -> String {
    "abcdefghijklmnopqrstuvwxyz"
        .chars()
        .cycle()
        .take(98)
        .collect()
}

/// The version of a crate that this program was built with.
fn locked(name: &str) -> String {
    let packages = include_str!("../Cargo.lock").split("[[package]]");
    let value = |package: &str, key: &str| {
        let mut lines = package.lines();
        let line = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        line.map(|value| value.trim_matches('"').to_owned())
    };
    let mut found = packages.filter(|package| value(package, "name").as_deref() == Some(name));
    let version = found.next().and_then(|package| value(package, "version"));
    version.unwrap_or_else(|| "unknown".into())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_versions_are_those_of_the_lock_file() {
        assert_eq!(super::locked("marconi-bench"), env!("CARGO_PKG_VERSION"));
        assert!(super::locked("apalis-redis").starts_with(|first: char| first.is_ascii_digit()));
        assert_eq!(super::locked("no-such-crate"), "unknown");
    }
}

//! URLs without what is secret in them.
//!
//! Guards terminals and logs: whatever is said on standard error has gone through here.

/// Cuts users and passwords out of URLs, wherever they came from.
pub fn redact(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        let end = after.find([' ', '\'', '"', '\n']).unwrap_or(after.len());
        let (url, tail) = after.split_at(end);
        shown.push_str(&without_secrets(url));
        rest = tail;
    }
    shown.push_str(rest);
    shown
}

/// Of a URL, what follows the scheme: a password may hold an `@`, and a socket's stands in the
/// query.
fn without_secrets(url: &str) -> String {
    let url = url.split_once('?').map_or(url, |(path, _)| path);
    match url.rsplit_once('@') {
        Some((_, host)) => host.to_owned(),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_cut_out_of_urls() {
        for (text, shown) in [
            ("no redis://u:p@host:1/0 there", "no redis://host:1/0 there"),
            ("redis://:a@b@host", "redis://host"),
            ("unix:///s?user=a&pass=b", "unix:///s"),
            (
                "'rediss://:x@h' and redis://:y@i",
                "'rediss://h' and redis://i",
            ),
            ("nothing", "nothing"),
        ] {
            assert_eq!(redact(text), shown);
        }
    }
}

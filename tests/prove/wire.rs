//! The server's protocol as who stands between client and server sees it: whole frames, byte for byte.
//!
//! Guards that a frame is passed on as it came: nothing is read into it but where it ends and which script it calls.

use std::collections::HashMap;
use std::io::{BufRead, Error, ErrorKind, Result};
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

/// The next request or reply; `None` where the other side has gone between two.
pub fn frame(from: &mut impl BufRead) -> Result<Option<Vec<u8>>> {
    if from.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    read_into(from, &mut bytes)?;
    Ok(Some(bytes))
}

fn read_into(from: &mut impl BufRead, bytes: &mut Vec<u8>) -> Result<()> {
    let at = bytes.len();
    from.read_until(b'\n', bytes)?;
    let line = &bytes[at..];
    if !line.ends_with(b"\r\n") {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let kind = line[0];
    let length = || -> Result<usize> {
        let digits = std::str::from_utf8(&line[1..line.len() - 2]).ok();
        let length = digits.and_then(|digits| digits.parse::<i64>().ok());
        let length = length.ok_or_else(|| Error::from(ErrorKind::InvalidData))?;
        // -1 says that there is nothing.
        Ok(usize::try_from(length).unwrap_or(0))
    };
    match kind {
        b'$' | b'!' | b'=' if line[1] != b'-' => {
            let end = bytes.len() + length()? + 2;
            let start = bytes.len();
            bytes.resize(end, 0);
            from.read_exact(&mut bytes[start..])?;
        }
        b'*' | b'~' | b'>' => {
            for _ in 0..length()? {
                read_into(from, bytes)?;
            }
        }
        b'%' => {
            for _ in 0..2 * length()? {
                read_into(from, bytes)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// The words of a request: the command and its arguments.
pub fn words(request: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = request;
    let mut words = Vec::new();
    let mut line = String::new();
    let mut read = || -> Option<()> {
        rest.read_line(&mut line).ok()?;
        loop {
            line.clear();
            rest.read_line(&mut line).ok()?;
            let length: usize = line.trim_end().strip_prefix('$')?.parse().ok()?;
            words.push(rest.get(..length)?.to_vec());
            rest = rest.get(length + 2..)?;
        }
    };
    read();
    words
}

/// A request by the name that people know it by: the script that it calls, else the command.
pub fn name(words: &[Vec<u8>]) -> String {
    let text = |at: usize| words.get(at).map(|word| String::from_utf8_lossy(word));
    let command = text(0).unwrap_or_default().to_uppercase();
    let script = text(1).and_then(|sha1| scripts().get(&*sha1));
    match script {
        Some(name) if command == "EVALSHA" => name.clone(),
        _ => command,
    }
}

/// Names by digests, from lua/manifest.json.
fn scripts() -> &'static HashMap<String, String> {
    static SCRIPTS: OnceLock<HashMap<String, String>> = OnceLock::new();
    SCRIPTS.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("lua/manifest.json");
        let manifest = std::fs::read(path).expect("the manifest");
        let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let scripts = manifest["scripts"].as_array().expect("scripts").iter();
        scripts
            .map(|script| (text(&script["sha1"]), text(&script["name"])))
            .collect()
    })
}

/// Whether it is about operations, and not about the connection itself.
pub fn is_operation(name: &str) -> bool {
    !matches!(
        name,
        "HELLO" | "CLIENT" | "SELECT" | "PING" | "SCRIPT" | "AUTH" | "SUBSCRIBE" | "SSUBSCRIBE"
    )
}

/// Whether the server may speak unasked on a connection from here on.
pub fn is_subscription(name: &str) -> bool {
    matches!(name, "SUBSCRIBE" | "SSUBSCRIBE")
}

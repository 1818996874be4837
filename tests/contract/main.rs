//! Holds `lua/` to its contract: the headers, the copies of shared pieces, the manifest and the
//! library's own table say the same.
//!
//! Guards clients in other languages, which have nothing but `lua/manifest.json` and the scripts.
//! `make contract` (`MARCONI_UPDATE=1`) rewrites copies and manifest from
//! headers and pieces; otherwise this only looks.

#[path = "../common/mod.rs"]
mod common;
mod header;
mod manifest;
mod pieces;
mod repeat;
mod reserved;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use header::Header;
use marconi_redis::keys::Part;
use marconi_redis::script;

/// Every word that a script of this crate may begin an error with.
const WORDS: [&str; 18] = [
    "QUEUEGONE",
    "MESSAGEGONE",
    "CLAIMGONE",
    "CLAIMED",
    "NOTCLAIMED",
    "NOTYOURS",
    "BADARG",
    "TOKENREUSED",
    "TOOLARGE",
    "NEWERSCHEMA",
    "MORE",
    "POOLGONE",
    "POOLEXISTS",
    "POOLINUSE",
    "FLAVORGONE",
    "NOTMAPPED",
    "SUBSCRIPTIONGONE",
    "SUBSCRIPTIONEXISTS",
];

/// One script as it stands in its file.
struct Source {
    /// `claim`, `queue/stats`.
    name: String,
    text: String,
    header: Result<Header, String>,
}

impl Source {
    fn header(&self) -> &Header {
        self.header
            .as_ref()
            .unwrap_or_else(|wrong| panic!("lua/{}.lua: {wrong}", self.name))
    }

    /// What comes after the header.
    fn body(&self) -> &str {
        let header: usize = self
            .text
            .lines()
            .take_while(|line| line.starts_with("--"))
            .map(|line| line.len() + 1)
            .sum();
        &self.text[header..]
    }
}

fn lua() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("lua")
}

fn is_update() -> bool {
    std::env::var_os("MARCONI_UPDATE").is_some_and(|value| value == "1")
}

/// All scripts, by name; rewritten first where that was asked for.
fn sources() -> &'static [Source] {
    static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        if is_update() {
            pieces::rewrite(&lua());
            manifest::rewrite(&lua(), &read(&lua()));
        }
        read(&lua())
    })
}

fn read(lua: &Path) -> Vec<Source> {
    let mut sources = Vec::new();
    for path in lua_files(lua)
        .into_iter()
        .filter(|path| !path.starts_with(lua.join("lib")))
    {
        let relative = path.strip_prefix(lua).unwrap().with_extension("");
        let name = relative.to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let header = Header::parse(&name, &text);
        sources.push(Source { name, text, header });
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources
}

fn lua_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(lua_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "lua") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn every_script_opens_with_a_header_of_the_one_grammar() {
    let wrong: Vec<_> = sources()
        .iter()
        .filter_map(|source| {
            source
                .header
                .as_ref()
                .err()
                .map(|wrong| format!("lua/{}.lua: {wrong}", source.name))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_key_is_a_part_of_what_the_script_works_on_and_it_counts_its_keys() {
    for source in sources() {
        let keys = &source.header().keys;
        // The name says whose keys a client has to build.
        let parts = match source.name.starts_with("control/") {
            true => Part::CONTROL,
            false => Part::ALL,
        };
        for key in keys {
            assert!(
                key.parse().is_ok_and(|part| parts.contains(&part)),
                "lua/{}.lua: {key} is no part of it",
                source.name
            );
        }
        let check = format!("#KEYS ~= {}", keys.len());
        assert!(
            source.body().contains(&check),
            "lua/{}.lua does not check {check}",
            source.name
        );
    }
}

#[test]
fn the_error_words_of_a_header_are_those_that_the_script_can_answer() {
    for source in sources() {
        let header = source.header();
        for word in &header.errors {
            assert!(
                WORDS.contains(&&**word),
                "lua/{}.lua: {word} is no word of ours",
                source.name
            );
        }
        let named: BTreeSet<&str> = header.errors.iter().map(String::as_str).collect();
        let answered = WORDS
            .into_iter()
            .filter(|word| says(source.body(), word))
            .collect();
        assert_eq!(
            named, answered,
            "lua/{}.lua: its header, and what it answers",
            source.name
        );
        assert_eq!(
            header.more,
            named.contains("MORE"),
            "lua/{}.lua: MORE",
            source.name
        );
    }
}

/// Whether a string in this code begins with the word.
fn says(body: &str, word: &str) -> bool {
    ["'", "\""]
        .iter()
        .any(|quote| body.contains(&format!("{quote}{word} ")))
}

#[test]
fn no_script_makes_a_key() {
    for source in sources() {
        for (number, line) in source.body().lines().enumerate() {
            let at = format!(
                "lua/{}.lua, line {} after its header: {line}",
                source.name,
                number + 1
            );
            assert!(!glues_a_key(line), "{at}");
            assert!(!calls_with_a_literal_key(line), "{at}");
        }
    }
}

/// The server compares text by the locale that it was started in; keys made of digits don't mind.
#[test]
fn what_is_sorted_has_the_order_of_its_bytes() {
    for source in sources() {
        let sorts = source.body().contains("table.sort(");
        assert!(
            !sorts || source.body().contains("-- {{{ lib/byte_order\n"),
            "lua/{}.lua sorts by the server's locale",
            source.name
        );
    }
}

fn calls_with_a_literal_key(line: &str) -> bool {
    let calls = ["redis.call(", "redis.pcall("]
        .into_iter()
        .flat_map(|call| line.split(call).skip(1));
    calls.into_iter().any(|call| {
        let Some((command, rest)) = call.split_once(", ") else {
            return false;
        };
        // These have a word before the key.
        !["'XGROUP'", "'XINFO'"].contains(&command) && rest.starts_with(['\'', '"'])
    })
}

fn glues_a_key(line: &str) -> bool {
    let keys = line.match_indices("KEYS[").filter_map(|(at, _)| {
        let end = line[at..].find(']')?;
        Some((&line[..at], &line[at + end + 1..]))
    });
    keys.into_iter().any(|(before, after)| {
        before.trim_end().ends_with("..") || after.trim_start().starts_with("..")
    })
}

#[test]
fn every_copy_is_its_piece_and_every_piece_is_used() {
    sources();
    let wrong = pieces::differences(&lua());
    assert!(
        wrong.is_empty(),
        "run `make contract`:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn the_manifest_says_what_the_headers_say() {
    let expected = manifest::generate(sources());
    let path = lua().join("manifest.json");
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "lua/manifest.json is behind its scripts: run `make contract`"
    );
}

#[test]
fn the_library_has_the_same_scripts_with_the_same_keys() {
    for source in sources() {
        let header = source.header();
        let line = table_line(&source.name, header);
        let found = script::Script::by_name(&source.name);
        let script = found.unwrap_or_else(|| panic!("src/script.rs lacks a line:\n{line}"));
        let keys: Vec<_> = script.keys().iter().map(|part| part.as_str()).collect();
        let same = keys == header.keys && script.writes() == header.writes;
        assert!(
            same && script.may_answer_more() == header.more
                && repeat::of_the_library(script) == header.repeat.in_table(&header.args),
            "src/script.rs should say:\n{line}"
        );
        // After a rewrite the library under test is still the one of before.
        assert!(
            is_update() || script.source() == source.text,
            "{}: build again",
            source.name
        );
    }
    let names: Vec<_> = sources()
        .iter()
        .map(|source| source.name.as_str())
        .collect();
    let table: Vec<_> = script::ALL.iter().map(|script| script.name()).collect();
    assert_eq!(table, names, "src/script.rs, in the order of names");
}

/// The line of a script in the library's table.
fn table_line(name: &str, header: &Header) -> String {
    let parts: Vec<_> = header
        .keys
        .iter()
        .map(|key| key.split('_').map(capital).collect::<String>())
        .collect();
    let effect = if header.writes { "writes" } else { "reads" };
    let more = if header.more { " more" } else { "" };
    format!(
        "    {} \"{name}\" [{}] {effect}{more}, {};",
        name.to_uppercase().replace('/', "_"),
        parts.join(" "),
        header.repeat.in_table(&header.args)
    )
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(word.len().min(1));
    first.to_uppercase() + rest
}

#[tokio::test]
async fn the_server_gives_every_script_the_digest_of_the_manifest() {
    let mut connection = common::Server::shared().connection().await;
    let found = std::fs::read_to_string(lua().join("manifest.json")).unwrap();
    for source in sources() {
        let load = redis::cmd("SCRIPT")
            .arg("LOAD")
            .arg(&source.text)
            .to_owned();
        let digest: Result<String, _> = load.query_async(&mut connection).await;
        let digest = digest
            .unwrap_or_else(|wrong| panic!("lua/{}.lua does not compile: {wrong}", source.name));
        assert!(
            found.contains(&format!("\"sha1\": \"{digest}\"")),
            "{}: {digest}",
            source.name
        );
        if !is_update() {
            assert_eq!(
                script::Script::by_name(&source.name).unwrap().sha1(),
                digest
            );
        }
    }
}

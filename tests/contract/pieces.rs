//! The pieces that several scripts share, and their copies.
//!
//! Guards that a script is complete as it stands: what it shares is copied into it, between
//! markers, and the copies are the piece.

use std::collections::BTreeMap;
use std::path::Path;

/// The pieces by name, with their lines.
fn pieces(lua: &Path) -> BTreeMap<String, String> {
    let files = super::lua_files(&lua.join("lib")).into_iter();
    files
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// Puts each piece between its markers, indented as they are.
fn filled(text: &str, pieces: &BTreeMap<String, String>) -> Result<(String, Vec<String>), String> {
    let (mut out, mut used) = (String::new(), Vec::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let Some(name) = line.trim_start().strip_prefix("-- {{{ lib/") else {
            continue;
        };
        let piece = pieces
            .get(name)
            .ok_or_else(|| format!("there is no lua/lib/{name}.lua"))?;
        let indent = &line[..line.len() - line.trim_start().len()];
        for copied in piece.lines() {
            if !copied.is_empty() {
                out.push_str(indent);
                out.push_str(copied);
            }
            out.push('\n');
        }
        if !lines.by_ref().any(|old| old.trim() == "-- }}}") {
            return Err(format!("the copy of {name} has no end"));
        }
        out.push_str(indent);
        out.push_str("-- }}}\n");
        used.push(name.to_owned());
    }
    Ok((out, used))
}

/// Rewrites the copies in all scripts.
pub fn rewrite(lua: &Path) {
    let pieces = pieces(lua);
    for source in super::read(lua) {
        let path = lua.join(&source.name).with_extension("lua");
        let (text, _) = filled(&source.text, &pieces)
            .unwrap_or_else(|wrong| panic!("{}: {wrong}", path.display()));
        if text != source.text {
            std::fs::write(path, text).unwrap();
        }
    }
}

/// What is not as it should be.
pub fn differences(lua: &Path) -> Vec<String> {
    let pieces = pieces(lua);
    let (mut wrong, mut all_used) = (Vec::new(), Vec::new());
    for source in super::read(lua) {
        match filled(&source.text, &pieces) {
            Ok((text, used)) => {
                let lines = text
                    .lines()
                    .zip(source.text.lines())
                    .position(|(a, b)| a != b);
                if text != source.text {
                    let line =
                        lines.map_or_else(|| "its end".to_owned(), |at| format!("line {}", at + 1));
                    wrong.push(format!(
                        "lua/{}.lua: a copy differs from its piece at {line}",
                        source.name
                    ));
                }
                all_used.extend(used);
            }
            Err(error) => wrong.push(format!("lua/{}.lua: {error}", source.name)),
        }
    }
    for (name, text) in &pieces {
        if !all_used.contains(name) {
            wrong.push(format!("lua/lib/{name}.lua: no script has it"));
        }
        if !text.starts_with("-- ") {
            wrong.push(format!("lua/lib/{name}.lua: should begin with a comment"));
        }
        if text.contains("{{{") {
            wrong.push(format!("lua/lib/{name}.lua: a piece has no pieces"));
        }
    }
    wrong
}

#[test]
fn a_copy_takes_the_indentation_of_its_marker() {
    let pieces = BTreeMap::from([("x".to_owned(), "-- Why.\n\nlocal x\n".to_owned())]);
    let text = "if a then\n  -- {{{ lib/x\n  old\n  -- }}}\nend\n";
    let (filled_in, used) = filled(text, &pieces).unwrap();
    assert_eq!(
        filled_in,
        "if a then\n  -- {{{ lib/x\n  -- Why.\n\n  local x\n  -- }}}\nend\n"
    );
    assert_eq!(used, ["x"]);
    assert_eq!(filled(&filled_in, &pieces).unwrap().0, filled_in);
    assert!(filled("-- {{{ lib/y\n-- }}}\n", &pieces).is_err());
    assert!(filled("-- {{{ lib/x\n", &pieces).is_err());
}

//! The code blocks of a document.

use std::path::PathBuf;

/// A file of the repository.
pub fn text(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

/// The one block of this kind: what stands between its fences.
pub fn block(document: &str, kind: &str) -> String {
    let open = format!("\n```{kind}\n");
    let mut blocks = document.split(open.as_str()).skip(1);
    let block = blocks
        .next()
        .unwrap_or_else(|| panic!("no ```{kind} block"));
    assert!(blocks.next().is_none(), "more than one ```{kind} block");
    let (block, _) = block.split_once("\n```").expect("a closing fence");
    format!("{block}\n")
}

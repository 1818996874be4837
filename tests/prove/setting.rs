//! What a run was made with.
//!
//! Guards that a page can be told from one of other scripts or of another server.

use std::process::Command;

use sha1_smol::Sha1;

use crate::common::server;

pub struct Setting {
    /// Name and version.
    pub server: String,
    /// SHA-1 of lua/manifest.json, which has the SHA-1 of each script.
    pub scripts: String,
    pub machine: String,
}

impl Setting {
    pub fn of_this_run() -> Setting {
        let shown = Command::new(server()).arg("--version").output();
        let shown = String::from_utf8(shown.expect("a server").stdout).expect("text");
        let name = shown.split_whitespace().next().expect("its name");
        let version = shown
            .split_whitespace()
            .find_map(|word| word.strip_prefix("v="));
        let manifest = include_bytes!("../../lua/manifest.json");
        let cores = std::thread::available_parallelism().expect("a count");
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        Setting {
            server: format!("{name} {}", version.expect("its version")),
            scripts: Sha1::from(manifest).digest().to_string(),
            machine: format!("{cores} cores, {arch}, {os}"),
        }
    }
}

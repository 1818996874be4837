//! Programs that the documents call, and a way to call them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::common;

/// The program, beside the server that is tested or on the PATH.
pub fn find(name: &str) -> Option<PathBuf> {
    let beside = common::server().parent().map(Path::to_path_buf);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = beside.into_iter().chain(std::env::split_paths(&path));
    dirs.map(|dir| dir.join(name)).find(|path| path.is_file())
}

/// Names under which the documents call the server and its command line, in a directory of their
/// own that goes in front of the PATH: the server that is tested may be called otherwise.
pub struct Tools {
    dir: PathBuf,
}

impl Tools {
    pub fn new(test: &str) -> Tools {
        let cli = find("redis-cli").or_else(|| find("valkey-cli"));
        let cli = cli.expect(
            "the documents call redis-cli, and there is neither redis-cli nor valkey-cli on the PATH. \
             Install one: sudo apt-get install redis-tools",
        );
        let dir = std::env::temp_dir().join(format!("marconi-docs-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a directory for the tools");
        let tools = [
            ("redis-cli", cli.as_path()),
            ("redis-server", common::server()),
        ];
        for (name, program) in tools {
            let link = dir.join(name);
            std::os::unix::fs::symlink(program, &link).expect("a link to the program");
        }
        Tools { dir }
    }

    /// A program that finds them, in the top of the repository.
    pub fn command(&self, program: &str) -> Command {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let dirs = std::iter::once(self.dir.clone()).chain(std::env::split_paths(&path));
        let mut command = Command::new(program);
        command.env(
            "PATH",
            std::env::join_paths(dirs).expect("directories without colons"),
        );
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        command
    }
}

impl Drop for Tools {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// What it printed, envelopes made readable; it is expected to go well.
pub fn printed(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

//! A directory for one run: the workers' ledgers and the private server's socket.
//!
//! Guards the temp directory: it goes with the run, unless it is to be kept.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

pub struct Scratch {
    path: PathBuf,
    is_kept: bool,
}

impl Scratch {
    /// Nobody else can look into it.
    pub fn make(is_kept: bool) -> io::Result<Self> {
        let name = format!("marconi-demo-{}", uuid::Uuid::new_v4().simple());
        let path = shallow_temp_dir().join(name);
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Scratch { path, is_kept })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn is_kept(&self) -> bool {
        self.is_kept
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.is_kept {
            // The server's watchdog may have been faster.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// A unix socket's path has about a hundred bytes, and some set TMPDIR deep.
fn shallow_temp_dir() -> PathBuf {
    let dir = std::env::temp_dir();
    match dir.as_os_str().len() <= 40 {
        true => dir,
        false => "/tmp".into(),
    }
}
